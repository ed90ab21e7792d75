#pragma once

#include <boost/asio/post.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "common/net/deadline.h"
#include "common/net/stream_socket.h"

namespace flare {

/// The TLS handshakes that clients of one thread have begun. Their costly steps are done one at a time, and whoever is
/// served already comes in between: a crowd of newcomers makes nobody wait for more than one of them. Each has a
/// deadline, and of too many the oldest goes. Belongs to its executor's thread.
class Handshakes {
 public:
  enum class End : std::uint8_t {
    made,
    gone,    // the peer left, or the socket was closed here: nothing to be said
    failed,  // `why` says more
  };
  struct Outcome {
    End end = End::gone;
    std::string why;
  };

  Handshakes(IoExecutor executor, std::size_t most, std::chrono::steady_clock::duration patience)
      : executor_(executor), most_(most), patience_(patience) {}

  /// Of `socket`, which must live until the end and can be closed meanwhile. Not made: to be closed.
  IoTask<Outcome> make(StreamSocket& socket);

 private:
  struct Work {
    StreamSocket& socket;
    bool displaced = false;
  };
  using Turn = std::function<void()>;

  template <class Token>
  auto async_turn(Token&& token) {
    auto begin = [this](auto handler) {
      // Shared, as a std::function must be copyable.
      auto kept = std::make_shared<decltype(handler)>(std::move(handler));
      turns_.push_back([kept] { std::move (*kept)(); });
      if (turns_.size() == 1) next_turn();
    };
    return asio::async_initiate<Token, void()>(std::move(begin), token);
  }
  void next_turn();
  void give_way();

  IoExecutor executor_;
  std::size_t most_;
  std::chrono::steady_clock::duration patience_;
  std::list<Work> works_;  // the oldest first
  std::deque<Turn> turns_;
};

}  // namespace flare
