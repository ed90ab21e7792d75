#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "common/net/stream_socket.h"
#include "common/net/task.h"

namespace flare {

/// Ends connections so that the last words arrive: a socket that is closed with unread bytes in it sends a reset, which
/// overtakes what was written before. Sends, ends the sending side, then drops what still comes, for a bounded time and
/// number of bytes; when too many part at once they are just closed. Belongs to its executor's thread; never blocks.
class Partings {
 public:
  explicit Partings(IoExecutor executor) : executor_(executor), open_(std::make_shared<std::size_t>(0)) {}

  void part(StreamSocket socket);
  /// Owns `descriptor` from here on.
  void part(int descriptor, std::string_view last_words);

 private:
  static IoTask<> drain(StreamSocket socket, std::shared_ptr<std::size_t> open);

  IoExecutor executor_;
  std::shared_ptr<std::size_t> open_;
};

}  // namespace flare
