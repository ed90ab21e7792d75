#include "flare_tenant/remove.h"

#include <fmt/format.h>

#include "flare_tenant/daemon_state.h"
#include "flare_tenant/new_files.h"

namespace flare::tenant {
namespace {

namespace fs = std::filesystem;

// Where nothing of ours was, there is nothing to tell.
void remove_file(const fs::path& path, Removed& removed) {
  std::error_code error;
  if (fs::remove(path, error)) removed.gone.push_back(path.string());
  if (error) removed.kept.push_back(fmt::format("{} ({})", path.string(), error.message()));
}

// An empty folder goes silently with what was in it.
void remove_if_empty(const fs::path& path, Removed& removed) {
  std::error_code error;
  fs::remove(path, error);
  if (error == std::errc::directory_not_empty) removed.kept.push_back(path.string() + " (has files of somebody else)");
}

bool is_of_tenant(const fs::path& real, const std::string& tenant, Kind kind) {
  return real.filename() == program_of(kind) && real.parent_path().filename() == tenant;
}

void purge_data(const Tenant& tenant, const DaemonEntry& daemon, Removed& removed) {
  const fs::path real = daemon.folder.real_path;
  if (!daemon.folder.exists) return;
  if (!is_of_tenant(real, tenant.name, daemon.file.kind)) {
    removed.kept.push_back(fmt::format("{} (not of the form .../{}/{}: remove it by hand)", real.string(), tenant.name,
                                       program_of(daemon.file.kind)));
    return;
  }
  std::error_code error;
  fs::remove_all(real, error);
  if (error) {
    removed.kept.push_back(fmt::format("{} ({})", real.string(), error.message()));
    return;
  }
  removed.gone.push_back(real.string());
  if (real != daemon.file.data_dir) fs::remove(daemon.file.data_dir, error);  // systemd's link to it
  for (const auto& parent : {real.parent_path(), fs::path{daemon.file.data_dir}.parent_path()}) {
    fs::remove(parent, error);  // the tenant's folder, if it is empty now
  }
}

}  // namespace

Result<Removed, std::string> remove_tenant(const Roots& roots, const std::string& name, const fs::path& units,
                                           bool purge) {
  const auto lock = lock_config_root(roots.config);
  if (!lock) return lock.error();
  const auto tenant = read_tenant(roots, name);
  std::vector<HeldFolder> held;
  for (const auto& daemon : tenant.daemons) {
    auto folder = HeldFolder::take(daemon.folder.real_path);
    if (!folder) {
      return fmt::format("{} of {} runs, or its data-dir {} cannot be locked: stop it first",
                         program_of(daemon.file.kind), name, daemon.folder.real_path);
    }
    held.push_back(std::move(*folder));
  }
  Removed removed;
  for (const auto kind : {Kind::index, Kind::node}) remove_file(config_file(roots, name, kind), removed);
  remove_if_empty(config_folder(roots, name), removed);
  if (!units.empty()) {
    for (const auto kind : {Kind::index, Kind::node}) {
      remove_file(drop_in_file(units, name, kind), removed);
      remove_if_empty(drop_in_file(units, name, kind).parent_path(), removed);
    }
  }
  for (const auto& daemon : tenant.daemons) {
    if (purge) {
      purge_data(tenant, daemon, removed);
    } else if (daemon.folder.exists) {
      removed.kept.push_back(daemon.folder.real_path + " (data)");
    }
  }
  return removed;
}

}  // namespace flare::tenant
