#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/net/deadline.h"
#include "common/net/stream_socket.h"
#include "common/net/task.h"

namespace flare {

/// A connected socket that one coroutine reads and another writes, both on its executor's thread, each step with a
/// deadline. After an error or a missed deadline it is closed and stays so.
class StreamLink {
 public:
  using Duration = Deadline::Duration;

  explicit StreamLink(StreamSocket socket);

  /// Sends all of `bytes`, which must live until then. `stalled_max`: how long the peer may take not a single byte.
  IoTask<Result<void>> write(std::string_view bytes, Duration stalled_max);
  /// Appends what comes next, up to `bytes_max`, to `buffer`, which must live until then.
  IoTask<Result<void>> read(std::string& buffer, std::size_t bytes_max, Duration silent_max);

  bool is_open() const { return socket_.is_open(); }
  void close();

 private:
  error_code failure(const Deadline& deadline, error_code error);

  StreamSocket socket_;
  Deadline read_deadline_;
  Deadline write_deadline_;
};

}  // namespace flare
