#pragma once

#include <netinet/in.h>
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

}  // namespace flare
