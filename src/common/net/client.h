#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/net/deadline.h"
#include "common/net/stream_socket.h"
#include "common/net/task.h"

namespace flare {

/// One connection to a peer for request and answer in turn, each wait with a deadline. After an error or a missed
/// deadline the connection is closed and stays so: answers can never shift (docs/spec/cluster.md 9.3).
/// Belongs to one coroutine at a time on its executor's thread; `close` may come from another coroutine of that thread
/// and ends the wait in work with `operation_aborted`.
class PeerClient {
 public:
  using Duration = std::chrono::steady_clock::duration;

  explicit PeerClient(IoExecutor executor);
  /// Takes a connected socket over, with bytes that were read already.
  PeerClient(StreamSocket socket, std::string unread);

  /// Resolves `server_name` and tries its addresses in turn. `bind_address`: empty, or the address to connect from.
  IoTask<Result<void>> connect(std::string server_name, int port, std::string bind_address, Duration deadline);
  /// Sends all of `bytes`, which must live until then.
  IoTask<Result<void>> write(std::string_view bytes, Duration deadline);
  /// The next line without its LF or CRLF; valid until the next call. More than limits::line_bytes_max: message_size.
  IoTask<Result<std::string_view>> read_line(Duration deadline);
  /// Exactly `size` bytes, valid until the next call.
  IoTask<Result<std::string_view>> read_bytes(std::size_t size, Duration deadline);
  /// Whether the peer has closed or reset the connection, as far as it is known now; also true when not open.
  bool closed_by_peer();

  bool is_open() const { return socket_.is_open(); }
  void close();
  /// Gives the connection up to a user of another kind; `take_unread` first, if the peer may have sent something more.
  StreamSocket release() { return std::move(socket_); }
  /// The bytes that were read from the peer and not handed out.
  std::string take_unread();

 private:
  using Tcp = asio::ip::tcp;

  IoTask<Result<std::vector<Tcp::endpoint>>> resolve(std::string server_name, int port, Duration deadline);
  IoTask<Result<void>> connect_one(Tcp::endpoint endpoint, std::string bind_address);
  IoTask<Result<void>> fill(Duration deadline);
  error_code failure(error_code error);

  StreamSocket socket_;
  Deadline deadline_;                 // of the wait in work
  std::shared_ptr<Timer> resolving_;  // cancelled by `close`
  std::string buffer_;
  std::size_t begin_ = 0;  // of the unread bytes in buffer_
};

}  // namespace flare
