#include "flare_tenant/firewall.h"

#include <fmt/format.h>

#include <set>

namespace flare::tenant {
namespace {

/// Sets, so that overlapping lists do not name a network twice.
struct Networks {
  std::set<std::string> ipv4{};
  std::set<std::string> ipv6{};
  bool all = false;

  void add(const AllowList& list) {
    all = all || list.all;
    ipv4.insert(list.ipv4.begin(), list.ipv4.end());
    ipv6.insert(list.ipv6.begin(), list.ipv6.end());
  }
  [[nodiscard]] bool empty() const { return ipv4.empty() && ipv6.empty(); }
};

void add_text(Networks& networks, const std::string& text) {
  if (const auto list = parse_allow_list(text)) networks.add(*list);
}

Networks networks_of(const DaemonFile& daemon, const Door& door, const AllowList& more) {
  Networks networks;
  networks.add(more);
  if (door.allow) add_text(networks, *door.allow);
  if (!door.name.empty()) return networks;
  for (const auto& [name, text] : daemon.access) add_text(networks, text);
  return networks;
}

std::string rules_of(const DaemonFile& daemon, const Door& door, const AllowList& more) {
  const auto networks = networks_of(daemon, door, more);
  auto text = fmt::format("    # {}{}{}\n", program_of(daemon.kind), door.name.empty() ? "" : ", door ", door.name);
  if (networks.all) return text + fmt::format("    tcp dport {} accept\n", door.port);
  if (networks.empty()) text += "    # no list names a network: only this machine; add others with --allow\n";
  if (!networks.ipv4.empty()) {
    text += fmt::format("    tcp dport {} ip saddr {{ {} }} accept\n", door.port, fmt::join(networks.ipv4, ", "));
  }
  if (!networks.ipv6.empty()) {
    text += fmt::format("    tcp dport {} ip6 saddr {{ {} }} accept\n", door.port, fmt::join(networks.ipv6, ", "));
  }
  return text + fmt::format("    tcp dport {} drop\n", door.port);
}

}  // namespace

std::string firewall_rules(const Tenant& tenant, const AllowList& more) {
  // Empty, then filled: the same file may be loaded again after a change.
  auto text = fmt::format(
      "# Tenant {0}, printed by flare-tenant. Load: nft -f FILE. Take away: nft delete table inet flare-{0}\n"
      "table inet flare-{0}\n"
      "flush table inet flare-{0}\n"
      "table inet flare-{0} {{\n"
      "  chain input {{\n"
      "    type filter hook input priority filter; policy accept;\n"
      "    iifname \"lo\" accept\n",
      tenant.name);
  for (const auto& daemon : tenant.daemons) {
    for (const auto& door : daemon.file.doors) text += rules_of(daemon.file, door, more);
  }
  return text + "  }\n}\n";
}

}  // namespace flare::tenant
