#include "flare_tenant/inventory.h"

#include <sys/stat.h>

#include <algorithm>

#include "common/base/config_file.h"
#include "common/daemon/option_text.h"

namespace flare::tenant {
namespace {

namespace fs = std::filesystem;

Folder look_at_folder(const std::string& path) {
  Folder folder{.real_path = path};
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return folder;
  folder.exists = true;
  folder.private_to_owner = (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
  std::error_code error;
  const auto real = fs::canonical(path, error);
  if (!error) folder.real_path = real.string();
  return folder;
}

void add_daemon(Tenant& tenant, const fs::path& path, Kind kind) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() == fs::file_type::not_found) return;
  const auto text = read_config_file(path.string());
  if (!text) {
    tenant.faults.push_back(path.string() + ": " + text.error().reason);
    return;
  }
  auto parsed = parse_daemon_file(kind, *text);
  if (!parsed) {
    tenant.faults.push_back(path.string() + ": " + parsed.error());
    return;
  }
  parsed->file = path;
  auto folder = look_at_folder(parsed->data_dir);
  tenant.daemons.push_back({std::move(*parsed), std::move(folder)});
}

}  // namespace

const DaemonEntry* Tenant::of(Kind kind) const {
  const auto found =
      std::find_if(daemons.begin(), daemons.end(), [&](const auto& daemon) { return daemon.file.kind == kind; });
  return found == daemons.end() ? nullptr : &*found;
}

Tenant read_tenant(const Roots& roots, const std::string& name) {
  Tenant tenant{.name = name};
  for (const auto kind : {Kind::index, Kind::node}) add_daemon(tenant, config_file(roots, name, kind), kind);
  return tenant;
}

std::vector<Tenant> read_tenants(const Roots& roots) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry{roots.config, error}, end; !error && entry != end; entry.increment(error)) {
    const auto name = entry->path().filename().string();
    std::error_code ignored;
    if (is_tenant_name(name) && entry->is_directory(ignored)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  std::vector<Tenant> tenants;
  for (const auto& name : names) {
    auto tenant = read_tenant(roots, name);
    if (!tenant.daemons.empty() || !tenant.faults.empty()) tenants.push_back(std::move(tenant));
  }
  return tenants;
}

}  // namespace flare::tenant
