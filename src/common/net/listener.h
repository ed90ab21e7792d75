#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "common/net/task.h"

namespace flare {

/// A listening socket, TCP or Unix. Hands accepted descriptors to `accepted`, on the executor's thread.
class Listener {
 public:
  /// Owns `descriptor` from the call on. `peer` is `address:port`, or the path of a Unix socket.
  using Accepted = std::function<void(int descriptor, std::string peer)>;

  explicit Listener(IoExecutor executor);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// What an IPv6 address, above all `::`, takes in.
  enum class Families { one, both };

  /// `bind_address`: empty (all IPv4 and, where there is one, IPv6 addresses) or one address.
  Result<void> listen_tcp(const std::string& bind_address, int port, int backlog, Families families = Families::both);
  /// Takes the place of a stale socket; `address_in_use` if another process serves it (daemons.md 2.4). Mode 0777 as
  /// the original; unlinked at the end.
  Result<void> listen_unix(const std::string& path, int backlog);

  void start(Accepted accepted);
  void stop();

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol, IoExecutor>;
  // Shared with the coroutine that accepts, which may see the end only after this object is gone.
  struct Open {
    Acceptor acceptor;
    Accepted accepted;
    std::string unix_path;
  };
  static IoTask<> accept_loop(std::shared_ptr<Open> open);

  std::shared_ptr<Open> open_;
};

}  // namespace flare
