#include "flare_tenant/config_text.h"

#include <fmt/format.h>

#include <set>

#include "flare_tenant/access.h"
#include "flare_tenant/daemon_file.h"

namespace flare::tenant {
namespace {

using Values = std::map<std::string, std::string>;

// `name = value`, or switched off with what it could be.
std::string line_or_example(const Values& values, const std::string& name, std::string_view example) {
  const auto given = values.find(name);
  if (given == values.end()) return fmt::format("#{} = {}\n", name, example);
  return fmt::format("{} = {}\n", name, given->second);
}

std::string head(const Plan& plan, Kind kind) {
  const auto program = program_of(kind);
  return fmt::format(
      "# {0} of tenant {1}, written by flare-tenant. Lines are `name = value`; '#' begins a comment anywhere.\n"
      "# Every option: {0} --help, {0}(8). Check this file: {0} -f FILE --check-config\n"
      "\n"
      "# Whose daemon this is. The other files of this tenant say the same; a daemon that meets another tenant's\n"
      "# index, node or data-dir refuses it. Never change it.\n"
      "tenant = {1}\n"
      "\n"
      "# Directory of this daemon's files, for this daemon alone.\n"
      "data-dir = {2}\n"
      "\n"
      "# This daemon's name in the cluster, its port, and the address it listens on and connects from.\n"
      "server-name = {3}\n"
      "server-port = {4}\n"
      "bind-address = {5}\n",
      program, plan.name, data_dir(plan.roots, plan.name, kind).string(), plan.name_in_cluster(),
      kind == Kind::index ? plan.index_port : plan.node_port, plan.address);
}

std::string access_part(const Plan& plan) {
  std::string text =
      "\n"
      "# Who may connect, by class of command: addresses, networks, `unix`, divided by commas. Without a list "
      "everybody\n"
      "# who reaches the port may. The index, all nodes and the operator's hosts belong into the lists.\n";
  text += line_or_example(plan.access, "client-allow-from", "192.168.12.0/24,unix");
  text += line_or_example(plan.access, "cluster-allow-from", "192.168.12.0/24");
  return text + line_or_example(plan.access, "admin-allow-from", "127.0.0.1");
}

std::string account_part(const Plan& plan) {
  std::string text =
      "\n# Give root up after the port is bound. Not with the systemd units: they have accounts of their own.\n";
  text += plan.user.empty() ? "#user = flare\n" : "user = " + plan.user + "\n";
  return text + (plan.group.empty() ? "#group = flare\n" : "group = " + plan.group + "\n");
}

std::string log_part() { return "\n# syslog: auth, daemon, user, local0 to local7.\nlog-facility = local0\n"; }

// The addresses of all lists, or nothing where one of the peers is not known by address.
std::set<std::string> known_peers(const Plan& plan) {
  std::set<std::string> peers{plan.address};
  const auto take = [&](const std::string& text) {
    const auto list = parse_allow_list(text);
    if (!list || list->everybody()) return false;
    peers.insert(list->ipv4.begin(), list->ipv4.end());
    peers.insert(list->ipv6.begin(), list->ipv6.end());
    return true;
  };
  for (const auto& name : access_names()) {
    const auto given = plan.access.find(name);
    if (given == plan.access.end() || !take(given->second)) return {};
  }
  const auto& index = plan.index_server().host;
  if (!take(plan.name_in_cluster()) || !take(index)) return {};  // names: the resolver is somewhere else
  return peers;
}

}  // namespace

std::string index_config(const Plan& plan) {
  return head(plan, Kind::index) +
         "\n"
         "# A node is down after this many failed probes, one each interval (seconds), each answered in time\n"
         "# (milliseconds).\n"
         "monitor-threshold = 3\n"
         "monitor-interval = 1\n"
         "monitor-read-timeout = 1000\n" +
         access_part(plan) + account_part(plan) + log_part();
}

std::string node_config(const Plan& plan) {
  const auto index = plan.index_server();
  return head(plan, Kind::node) +
         fmt::format(
             "\n"
             "# The index (flarei) of this tenant.\n"
             "index-server-name = {}\n"
             "index-server-port = {}\n"
             "\n"
             "# The store. Buckets are fixed when it is made: at least as many as there will be keys. Large: 64-bit "
             "offsets.\n"
             "storage-type = kch\n"
             "storage-bucket-size = {}\n"
             "storage-large = true\n"
             "\n"
             "# What this tenant may use of this node. Above it writes are refused; reads and deletes go on.\n",
             index.host, index.port, plan.bucket_size) +
         line_or_example(plan.quotas, "max-items", "1000000") + line_or_example(plan.quotas, "max-bytes", "1G") +
         line_or_example(plan.quotas, "max-connection", "1000") +
         line_or_example(plan.quotas, "max-ops-per-second", "10000") + access_part(plan) + account_part(plan) +
         log_part();
}

std::string unit_drop_in(const Plan& plan, Kind kind) {
  // Ports above 0 are named: a connection that goes out from bind-address binds to port 0 and must go on to.
  auto text = fmt::format(
      "# Of tenant {}, written by flare-tenant.\n"
      "[Service]\n"
      "SocketBindAllow=tcp:{}\n"
      "SocketBindDeny=tcp:1-65535\n",
      plan.name, kind == Kind::index ? plan.index_port : plan.node_port);
  if (const auto peers = known_peers(plan); !peers.empty()) {
    text += fmt::format("IPAddressDeny=any\nIPAddressAllow=localhost {}\n", fmt::join(peers, " "));
  }
  if (!plan.memory_max.empty()) text += "MemoryMax=" + plan.memory_max + "\n";
  return text;
}

}  // namespace flare::tenant
