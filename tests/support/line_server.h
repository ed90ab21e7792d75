#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "support/text_client.h"

namespace flare::test {

/// One accepted connection, for the thread that serves it.
class LineConnection {
 public:
  explicit LineConnection(int descriptor) : descriptor_{descriptor} {}
  ~LineConnection();
  LineConnection(const LineConnection&) = delete;
  LineConnection& operator=(const LineConnection&) = delete;

  /// Without its line end; nothing when the peer has closed.
  [[nodiscard]] std::optional<std::string> read_line();
  [[nodiscard]] std::optional<std::string> read_exactly(std::size_t bytes);
  /// False when the peer has closed.
  bool send(std::string_view bytes);
  /// Ends the reading thread's wait.
  void shut();

 private:
  bool receive();
  int descriptor_;
  std::string buffer_;
};

/// Listens, and serves each connection in a thread of its own, as the original daemons do.
class LineServer {
 public:
  using Serve = std::function<void(LineConnection&)>;
  LineServer(const Address& address, Serve serve);
  ~LineServer();
  LineServer(const LineServer&) = delete;
  LineServer& operator=(const LineServer&) = delete;

  /// Closes everything and waits for the threads.
  void stop();

 private:
  struct Session {
    explicit Session(int descriptor) : connection{descriptor} {}
    LineConnection connection;
    std::thread thread;
    std::atomic<bool> ended = false;
  };
  void accept_all();
  void forget_ended();

  Serve serve_;
  int listener_ = -1;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::list<std::unique_ptr<Session>> sessions_;
  std::thread thread_;
};

}  // namespace flare::test
