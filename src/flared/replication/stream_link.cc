#include "flared/replication/stream_link.h"

#include <boost/asio/buffer.hpp>
#include <utility>

namespace flare {

StreamLink::StreamLink(StreamSocket socket)
    : socket_(std::move(socket)),
      read_deadline_(socket_.get_executor(), [this] { close(); }),
      write_deadline_(socket_.get_executor(), [this] { close(); }) {}

error_code StreamLink::failure(const Deadline& deadline, error_code error) {
  close();
  return deadline.missed() ? error_code{asio::error::timed_out} : error;
}

IoTask<Result<void>> StreamLink::write(std::string_view bytes, Duration stalled_max) {
  while (!bytes.empty()) {
    write_deadline_.arm(stalled_max);
    const auto [error, written] = co_await socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()), use_task);
    if (error) co_return failure(write_deadline_, error);
    write_deadline_.disarm();
    bytes.remove_prefix(written);
  }
  co_return Result<void>{};
}

IoTask<Result<void>> StreamLink::read(std::string& buffer, std::size_t bytes_max, Duration silent_max) {
  const auto old_size = buffer.size();
  buffer.resize(old_size + bytes_max);
  read_deadline_.arm(silent_max);
  const auto [error, taken] =
      co_await socket_.async_read_some(asio::buffer(buffer.data() + old_size, bytes_max), use_task);
  buffer.resize(old_size + taken);
  if (error) co_return failure(read_deadline_, error);
  read_deadline_.disarm();
  co_return Result<void>{};
}

void StreamLink::close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace flare
