#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "common/net/door_keeper.h"
#include "common/net/task.h"

namespace flare {

/// From an accepted connection to its passage, for all listeners of a daemon: a load balancer that is named in
/// proxy-protocol-from first tells whose connection it is (docs/security.md, PROXY protocol), then the door's lists
/// are asked for that address. Others are judged at once. Belongs to the thread that accepts, and never blocks it.
class Entrance {
 public:
  /// Owns `descriptor` from the call on, none of whose bytes behind a header have been read. `peer` is `address:port`
  /// or the path of a unix socket.
  using Admitted = std::function<void(int descriptor, std::string peer, const Passage& passage)>;

  /// For a whole header. It comes with the connection's first packet.
  static constexpr std::chrono::seconds header_deadline{2};
  /// Connections at a time that have still to tell theirs; the oldest goes when a newer one comes.
  static constexpr std::size_t waiting_max = 256;

  Entrance(IoExecutor executor, DoorKeeper& keeper, Admitted admitted);
  ~Entrance();
  Entrance(const Entrance&) = delete;
  Entrance& operator=(const Entrance&) = delete;

  /// Owns `descriptor` from here on; `who`: the other end, as the listener names it.
  void enter(std::size_t door, int descriptor, std::string who);
  /// Closes what waits, and what comes later.
  void stop();

 private:
  struct Comer;
  struct State;
  static IoTask<> hear(std::shared_ptr<State> state, std::shared_ptr<Comer> comer);

  std::shared_ptr<State> state_;  // shared with coroutines, which may see the end only after this object is gone
};

}  // namespace flare
