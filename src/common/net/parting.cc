#include "common/net/parting.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "common/base/limits.h"
#include "common/net/deadline.h"
#include "common/net/descriptor.h"

namespace flare {

void Partings::part(StreamSocket socket) {
  if (*open_ >= limits::partings_max) return;  // the socket's end closes it
  error_code error;
  socket.shutdown(StreamSocket::shutdown_send, error);
  if (error) return;  // the peer has gone already
  ++*open_;
  asio::co_spawn(executor_, drain(std::move(socket), open_), [open = open_](std::exception_ptr) { --*open; });
}

void Partings::part(int descriptor, std::string_view last_words) {
  static_cast<void>(::send(descriptor, last_words.data(), last_words.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  StreamSocket socket{executor_};
  error_code error;
  socket.assign(protocol_of(descriptor), descriptor, error);
  if (error) {
    ::close(descriptor);
    return;
  }
  socket.non_blocking(true, error);
  if (!error) part(std::move(socket));
}

IoTask<> Partings::drain(StreamSocket socket, std::shared_ptr<std::size_t>) {
  Deadline deadline{socket.get_executor(), [&socket] {
                      error_code ignored;
                      socket.close(ignored);
                    }};
  deadline.arm(limits::parting_deadline);
  std::array<char, 4096> dropped;
  for (std::size_t left = limits::parting_bytes_max; left > 0;) {
    const auto [error, n] = co_await socket.async_read_some(asio::buffer(dropped), use_task);
    if (error) break;
    left -= std::min(left, n);
  }
}

}  // namespace flare
