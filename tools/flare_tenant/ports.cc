#include "flare_tenant/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/daemon/descriptor.h"
#include "flare_tenant/access.h"

namespace flare::tenant {
namespace {

constexpr int first_port = 12120;
constexpr int step = 10;
constexpr int last_port = 32760;  // from 32768 on the kernel takes ports for outgoing connections

template <class Name>
bool binds(int family, const Name& name) {
  const Descriptor socket{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const int on = 1;  // as the daemons: a connection that has just ended does not count
  return socket && ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
         ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 &&
         ::listen(socket.number(), 1) == 0;
}

}  // namespace

std::set<int> ports_in_configs(const std::vector<Tenant>& tenants) {
  std::set<int> ports;
  for (const auto& tenant : tenants) {
    for (const auto& daemon : tenant.daemons) {
      for (const auto& door : daemon.file.doors) ports.insert(door.port);
      for (const auto& index : daemon.file.indexes) ports.insert(index.port);
    }
  }
  return ports;
}

std::optional<PortPair> choose_ports(const std::set<int>& taken, const std::function<bool(int)>& is_free) {
  const auto usable = [&](int port) { return !taken.contains(port) && is_free(port); };
  for (int port = first_port; port <= last_port; port += step) {
    if (usable(port) && usable(port + 1)) return PortPair{port, port + 1};
  }
  return std::nullopt;
}

bool can_bind(const std::string& address, int port) {
  const auto network_port = htons(static_cast<std::uint16_t>(port));
  if (is_ipv6(address)) {
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = network_port;
    ::inet_pton(AF_INET6, address.c_str(), &name.sin6_addr);
    return binds(AF_INET6, name);
  }
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = network_port;
  ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);  // empty: all
  return binds(AF_INET, name);
}

}  // namespace flare::tenant
