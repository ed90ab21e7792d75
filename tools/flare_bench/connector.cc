#include "flare_bench/connector.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "flare_bench/failure.h"
#include "flare_bench/poller.h"

namespace flare::bench {
namespace {

constexpr std::size_t at_a_time = 512;  // below the back-log of our daemons and of memcached

struct Address {
  std::string name{};
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Address resolve(const status::Target& node) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(node.host.c_str(), std::to_string(node.port).c_str(), &wanted, &found);
  if (error != 0) throw Failure{status::to_string(node) + ": " + ::gai_strerror(error)};
  Address address{.name = status::to_string(node), .size = found->ai_addrlen};
  std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

std::unique_ptr<Connection> begin_connect(const Address& address) {
  const int descriptor = ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) throw system_failure("socket");
  auto connection = std::make_unique<Connection>(descriptor);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0 &&
      errno != EINPROGRESS) {
    throw system_failure("connect " + address.name);
  }
  return connection;
}

void check_connected(int descriptor, const std::string& name) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) throw Failure{"connect " + name + ": " + std::strerror(error)};
}

}  // namespace

std::vector<std::unique_ptr<Connection>> connect_all(const std::vector<status::Target>& nodes, std::size_t count,
                                                     Seconds limit, const TlsContext* tls) {
  const auto deadline = Clock::now() + std::chrono::round<Clock::duration>(limit);
  std::vector<Address> addresses;
  for (const auto& node : nodes) addresses.push_back(resolve(node));
  std::vector<std::unique_ptr<Connection>> made;
  Poller poller;
  std::size_t connected = 0;
  while (connected < count) {
    while (made.size() < count && made.size() - connected < at_a_time) {
      const auto& address = addresses[made.size() % addresses.size()];
      made.push_back(begin_connect(address));
      poller.add(made.back()->descriptor(), EPOLLOUT, made.back().get());
    }
    const auto ready = poller.wait_until(deadline);
    for (const auto& event : ready) {
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      check_connected(connection.descriptor(), nodes.size() == 1 ? addresses.front().name : "one of the nodes");
      poller.remove(connection.descriptor());
      if (tls) {
        if (const auto why = connection.start_tls(tls->native()); !why.empty()) throw Failure{"TLS: " + why};
      }
      ++connected;
    }
    if (ready.empty() && Clock::now() >= deadline) {
      throw Failure{"only " + std::to_string(connected) + " of " + std::to_string(count) +
                    " connections were made in time (--connect-limit)"};
    }
  }
  return made;
}

}  // namespace flare::bench
