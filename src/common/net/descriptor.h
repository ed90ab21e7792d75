#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/net/task.h"

namespace flare {

/// The protocol of a connected descriptor, as StreamSocket::assign needs it.
inline asio::generic::stream_protocol protocol_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) address.ss_family = AF_INET;
  return {address.ss_family, address.ss_family == AF_UNIX ? 0 : IPPROTO_TCP};
}

/// Whether the other side has closed the connection, or at least its own direction, whatever is still unread.
inline bool has_hung_up(int descriptor) {
  pollfd asked{.fd = descriptor, .events = POLLRDHUP, .revents = 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace flare
