#include "flare_tenant/create.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/base/printable.h"
#include "common/daemon/option_text.h"
#include "flare_tenant/access.h"
#include "flare_tenant/clashes.h"
#include "flare_tenant/config_text.h"
#include "flare_tenant/inventory.h"
#include "flare_tenant/new_files.h"
#include "flare_tenant/ports.h"

namespace flare::tenant {
namespace {

constexpr mode_t config_mode = 0644;  // holds no secrets, and the units' accounts must read it
constexpr mode_t data_mode = 0700;

std::vector<Kind> kinds_of(const Plan& plan) {
  std::vector<Kind> kinds;
  if (plan.index) kinds.push_back(Kind::index);
  if (plan.node) kinds.push_back(Kind::node);
  return kinds;
}

int& port_of(Plan& plan, Kind kind) { return kind == Kind::index ? plan.index_port : plan.node_port; }

bool is_word(const std::string& text, std::string_view more) {
  const auto good = [&](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           more.find(byte) != std::string_view::npos;
  };
  return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), good);
}

// '#' and line ends would change what the lines of a config file mean.
bool is_plain_path(const std::filesystem::path& path) {
  const auto& text = path.native();
  return path.is_absolute() && std::all_of(text.begin(), text.end(), [](char byte) {
           return byte > 0x20 && byte < 0x7f && byte != '#' && byte != '%';
         });
}

std::optional<std::string> check_quota(const std::string& name, const std::string& value) {
  const bool bytes = name == "max-bytes";
  const auto number = bytes ? parse_bytes(value) : parse_integer<std::uint64_t>(value);
  if (number && *number > 0) return std::nullopt;
  return fmt::format("--{}: '{}' is no number above 0{}", name, printable(value), bytes ? " (K, M, G allowed)" : "");
}

struct Account {
  uid_t user = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
};

Result<Account, std::string> account_of(const Plan& plan) {
  Account account;
  if (!plan.user.empty()) {
    const auto* user = ::getpwnam(plan.user.c_str());
    if (user == nullptr) return "--user: there is no user '" + plan.user + "'";
    account = {user->pw_uid, user->pw_gid};
  }
  if (!plan.group.empty()) {
    const auto* group = ::getgrnam(plan.group.c_str());
    if (group == nullptr) return "--group: there is no group '" + plan.group + "'";
    account.group = group->gr_gid;
  }
  return account;
}

// Given ports must be free, missing ones are chosen. A pair is chosen even for one daemon: the other may follow.
std::optional<std::string> settle_ports(Plan& plan, const std::vector<Tenant>& tenants) {
  const auto taken = ports_in_configs(tenants);
  const auto is_free = [&](int port) { return can_bind(plan.address, port); };
  for (const auto kind : kinds_of(plan)) {
    const int port = port_of(plan, kind);
    if (port != 0 && !is_free(port)) return fmt::format("port {} of {} is in use: choose another", port, plan.address);
  }
  if ((!plan.index || plan.index_port != 0) && (!plan.node || plan.node_port != 0)) return std::nullopt;
  auto named = taken;
  named.insert({plan.index_port, plan.node_port});
  const auto pair = choose_ports(named, is_free);
  if (!pair) return std::string{"no two free ports from 12120 to 32760: give --index-port and --node-port"};
  if (plan.index_port == 0) plan.index_port = pair->index;
  if (plan.node_port == 0) plan.node_port = pair->node;
  return std::nullopt;
}

DaemonEntry entry_of(const Plan& plan, Kind kind, const std::string& text) {
  DaemonEntry entry;
  entry.file = *parse_daemon_file(kind, text);
  entry.file.file = config_file(plan.roots, plan.name, kind);
  entry.folder = {
      .exists = true, .private_to_owner = true, .real_path = data_dir(plan.roots, plan.name, kind).string()};
  return entry;
}

std::string config_text(const Plan& plan, Kind kind) {
  return kind == Kind::index ? index_config(plan) : node_config(plan);
}

// Only what the new tenant adds: old clashes are `check`'s matter.
std::optional<std::string> first_new_clash(const Plan& plan, std::vector<Tenant> tenants) {
  const auto before = find_clashes(tenants);
  Tenant fresh{.name = plan.name};
  for (const auto kind : kinds_of(plan)) fresh.daemons.push_back(entry_of(plan, kind, config_text(plan, kind)));
  tenants.push_back(std::move(fresh));
  for (const auto& finding : find_clashes(tenants)) {
    if (finding.error && std::find(before.begin(), before.end(), finding) == before.end()) return finding.text;
  }
  return std::nullopt;
}

std::optional<std::string> make_daemon(NewFiles& files, const Plan& plan, Kind kind, const Account& account,
                                       const std::filesystem::path& units, Created& created) {
  const auto folder = data_dir(plan.roots, plan.name, kind);
  if (auto failed = files.add_folder(folder, data_mode)) return failed;
  if (!plan.user.empty() || !plan.group.empty()) {
    if (::lchown(folder.c_str(), account.user, account.group) != 0) {
      return fmt::format("{}: cannot be given to --user, --group: {}", folder.string(), std::strerror(errno));
    }
  }
  const auto config = config_file(plan.roots, plan.name, kind);
  if (auto failed = files.add_file(config, config_text(plan, kind), config_mode)) return failed;
  created.files.push_back(config);
  if (units.empty()) return std::nullopt;
  const auto drop_in = drop_in_file(units, plan.name, kind);
  if (auto failed = files.need_folder(drop_in.parent_path())) return failed;
  if (auto failed = files.add_file(drop_in, unit_drop_in(plan, kind), config_mode)) return failed;
  created.files.push_back(drop_in);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> check_plan(const Plan& plan) {
  if (!plan.index && !plan.node) return std::string{"neither a flarei nor a flared is wanted"};
  if (!is_ipv4(plan.address) && !is_ipv6(plan.address)) {
    return fmt::format("--address: '{}' is no numeric address", printable(plan.address));
  }
  const bool any = plan.address == "0.0.0.0" || plan.address == "::";
  if (any && plan.server_name.empty()) return fmt::format("--address {}: give a --server-name as well", plan.address);
  if (!plan.server_name.empty() && !is_word(plan.server_name, ".-:_")) {
    return fmt::format("--server-name: '{}' is no host name or address", printable(plan.server_name));
  }
  if (plan.elsewhere && !is_word(plan.elsewhere->host, ".-:_")) return std::string{"--index-server: is no host:port"};
  for (const auto* account : {&plan.user, &plan.group}) {
    if (!account->empty() && !is_word(*account, "._-")) return "'" + printable(*account) + "' is no name of an account";
  }
  for (const auto* root : {&plan.roots.config, &plan.roots.data}) {
    if (is_plain_path(*root)) continue;
    return fmt::format("'{}' is no absolute path of plain bytes without blanks, '#' and '%'",
                       printable(root->string()));
  }
  for (const auto& [name, value] : plan.quotas) {
    if (auto wrong = check_quota(name, value)) return wrong;
  }
  for (const auto& [name, value] : plan.access) {
    if (const auto list = parse_allow_list(value); !list || value.find_first_of("#\n\r") != std::string::npos) {
      return fmt::format("--{}: {}", name, list ? "must be one line" : list.error());
    }
  }
  const auto buckets = parse_integer<std::uint64_t>(plan.bucket_size);
  if (!buckets || *buckets == 0) return std::string{"--storage-bucket-size: is no number above 0"};
  if (!plan.memory_max.empty() && !parse_bytes(plan.memory_max)) {
    return fmt::format("--memory-max: '{}' is no number of bytes (K, M, G allowed)", printable(plan.memory_max));
  }
  return std::nullopt;
}

Result<Created, std::string> create_tenant(Plan plan, const std::filesystem::path& units) {
  if (auto wrong = check_plan(plan)) return *wrong;
  const auto account = account_of(plan);
  if (!account) return account.error();
  NewFiles files;
  if (auto failed = files.need_folder(plan.roots.config)) return *failed;
  const auto lock = lock_config_root(plan.roots.config);
  if (!lock) return lock.error();

  const auto tenants = read_tenants(plan.roots);
  const auto same = [&](const Tenant& tenant) { return tenant.name == plan.name; };
  if (std::any_of(tenants.begin(), tenants.end(), same)) {
    return fmt::format("tenant {} exists already: {}", plan.name, config_folder(plan.roots, plan.name).string());
  }
  if (auto failed = settle_ports(plan, tenants)) return *failed;
  if (auto clash = first_new_clash(plan, tenants)) return *clash;

  Created created{.plan = plan};
  if (auto failed = files.need_folder(config_folder(plan.roots, plan.name))) return *failed;
  if (auto failed = files.need_folder(plan.roots.data / plan.name)) return *failed;
  for (const auto kind : kinds_of(plan)) {
    if (auto failed = make_daemon(files, plan, kind, *account, units, created)) {
      return *failed + "; nothing was kept of this tenant";
    }
  }
  files.keep();
  return created;
}

}  // namespace flare::tenant
