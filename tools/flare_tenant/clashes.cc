#include "flare_tenant/clashes.h"

#include <fmt/format.h>

#include "flare_tenant/access.h"

namespace flare::tenant {
namespace {

/// One daemon with whose it is, as all comparisons want it.
struct Owned {
  const Tenant& tenant;
  const DaemonEntry& entry;

  [[nodiscard]] const DaemonFile& file() const { return entry.file; }
  [[nodiscard]] std::string who() const { return fmt::format("{} of {}", program_of(file().kind), tenant.name); }
};

std::vector<Owned> all_daemons(const std::vector<Tenant>& tenants) {
  std::vector<Owned> daemons;
  for (const auto& tenant : tenants) {
    for (const auto& entry : tenant.daemons) daemons.push_back({tenant, entry});
  }
  return daemons;
}

bool is_any_address(const std::string& bind) { return bind.empty() || bind == "0.0.0.0" || bind == "::"; }

bool meet(const Door& one, const Door& other) {
  if (one.port != other.port) return false;
  return is_any_address(one.bind) || is_any_address(other.bind) || one.bind == other.bind;
}

std::string text_of(const Door& door) {
  return fmt::format("{}:{}", is_any_address(door.bind) ? "*" : door.bind, door.port);
}

bool is_below(const std::string& path, const std::string& folder) { return path.starts_with(folder + "/"); }

/// Collects sentences about one pair or one daemon.
class Findings {
 public:
  void error(const Owned& daemon, std::string text) { add(true, daemon.tenant.name, std::move(text)); }
  void warning(const Owned& daemon, std::string text) { add(false, daemon.tenant.name, std::move(text)); }
  void add(bool error, const std::string& tenant, std::string text) {
    found_.push_back({error, tenant, std::move(text)});
  }
  std::vector<Finding> take() { return std::move(found_); }

 private:
  std::vector<Finding> found_;
};

void compare_ports(const Owned& one, const Owned& other, Findings& findings) {
  for (const auto& ours : one.file().doors) {
    for (const auto& theirs : other.file().doors) {
      if (!meet(ours, theirs)) continue;
      findings.error(one, fmt::format("port {}: {} and {} both listen there ({}, {}): give one of them another port",
                                      text_of(ours), one.who(), other.who(), one.file().file.string(),
                                      other.file().file.string()));
    }
  }
}

void compare_paths(const Owned& one, const Owned& other, Findings& findings) {
  const auto& ours = one.entry.folder.real_path;
  const auto& theirs = other.entry.folder.real_path;
  if (ours == theirs || is_below(ours, theirs) || is_below(theirs, ours)) {
    findings.error(
        one, fmt::format("data-dir {}: {} and {} share it ({}, {}): each daemon needs a directory of its own", ours,
                         one.who(), other.who(), one.file().file.string(), other.file().file.string()));
  }
  if (!one.file().server_socket.empty() && one.file().server_socket == other.file().server_socket) {
    findings.error(one, fmt::format("server-socket {}: {} and {} both listen there", one.file().server_socket,
                                    one.who(), other.who()));
  }
}

// The name is the node's identity in every map: two of them are taken for one.
void compare_names(const Owned& one, const Owned& other, Findings& findings) {
  const bool same = !one.file().server_name.empty() && one.file().server_name == other.file().server_name &&
                    one.file().port() == other.file().port();
  if (!same) return;
  findings.error(one, fmt::format("name {}:{}: {} and {} both have it", one.file().server_name, one.file().port(),
                                  one.who(), other.who()));
}

bool is_named(const DaemonFile& index, const HostPort& named) {
  if (index.port() != named.port) return false;
  return named.host == index.server_name || named.host == index.bind() ||
         (is_loopback(named.host) && is_any_address(index.bind()));
}

void compare_index(const Owned& node, const Owned& index, Findings& findings) {
  if (node.file().kind != Kind::node || index.file().kind != Kind::index) return;
  if (&node.tenant == &index.tenant) return;
  for (const auto& named : node.file().indexes) {
    if (!is_named(index.file(), named)) continue;
    findings.error(node, fmt::format("index {}:{}: {} names it, but it is the {} ({})", named.host, named.port,
                                     node.who(), index.who(), node.file().file.string()));
  }
}

void look_at_one(const Owned& daemon, Findings& findings) {
  const auto& file = daemon.file();
  if (file.tenant.empty()) {
    findings.warning(daemon, fmt::format("{}: no option 'tenant': a daemon with an empty data-dir cannot tell whose it "
                                         "is; add 'tenant = {}'",
                                         file.file.string(), daemon.tenant.name));
  } else if (file.tenant != daemon.tenant.name) {
    findings.error(daemon, fmt::format("{}: says tenant = {}, but lies in the folder of {}", file.file.string(),
                                       file.tenant, daemon.tenant.name));
  }
  const auto& folder = daemon.entry.folder;
  if (!std::filesystem::path{file.data_dir}.is_absolute()) {
    findings.error(daemon, fmt::format("data-dir {} of {}: is relative, so it depends on where the daemon is started",
                                       file.data_dir, daemon.who()));
  } else if (!folder.exists) {
    findings.error(daemon, fmt::format("data-dir {} of {}: does not exist", file.data_dir, daemon.who()));
  } else if (!folder.private_to_owner) {
    findings.warning(daemon, fmt::format("data-dir {} of {}: other accounts may enter it: chmod 700 {}", file.data_dir,
                                         daemon.who(), file.data_dir));
  }
  if (file.kind == Kind::node && file.indexes.empty()) {
    findings.error(daemon, fmt::format("{}: names no index: set index-server-name", file.file.string()));
  }
}

}  // namespace

std::vector<Finding> find_clashes(const std::vector<Tenant>& tenants) {
  Findings findings;
  for (const auto& tenant : tenants) {
    for (const auto& fault : tenant.faults) findings.add(true, tenant.name, fault);
  }
  const auto daemons = all_daemons(tenants);
  for (std::size_t one = 0; one < daemons.size(); ++one) {
    look_at_one(daemons[one], findings);
    for (std::size_t other = one + 1; other < daemons.size(); ++other) {
      compare_ports(daemons[one], daemons[other], findings);
      compare_paths(daemons[one], daemons[other], findings);
      compare_names(daemons[one], daemons[other], findings);
      compare_index(daemons[one], daemons[other], findings);
      compare_index(daemons[other], daemons[one], findings);
    }
  }
  return findings.take();
}

std::vector<Finding> find_open_doors(const std::vector<Tenant>& tenants) {
  Findings findings;
  for (const auto& daemon : all_daemons(tenants)) {
    for (const auto& line : effective_access(daemon.file())) {
      if (!line.open) continue;
      findings.warning(daemon, fmt::format("{} of {}: open to {}: set the list in {}", line.list, daemon.who(),
                                           line.who, daemon.file().file.string()));
    }
  }
  return findings.take();
}

}  // namespace flare::tenant
