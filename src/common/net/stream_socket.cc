#include "common/net/stream_socket.h"

#include <unistd.h>

#include "common/net/descriptor.h"

namespace flare {

void StreamSocket::start_tls(std::shared_ptr<const TlsContext> context, TlsConnection::Side side) {
  error_code ignored;
  non_blocking(true, ignored);
  tls_ = std::make_shared<TlsConnection>(std::move(context), side, native_handle());
  keep();
}

// Operations in work may hold it on: they see that it has no socket any more.
void StreamSocket::end_tls() {
  if (PlainSocket::is_open()) tls_->say_goodbye();
  tls_->socket = nullptr;
  tls_.reset();
}

LooseSocket StreamSocket::detach(error_code& error) {
  const int descriptor = PlainSocket::release(error);
  if (error || descriptor < 0) return {};
  if (tls_) tls_->socket = nullptr;
  return {descriptor, std::exchange(tls_, nullptr)};
}

void StreamSocket::attach(LooseSocket socket, error_code& error) {
  PlainSocket::assign(protocol_of(socket.descriptor), socket.descriptor, error);
  if (error) {
    ::close(socket.descriptor);
    return;
  }
  tls_ = std::move(socket.tls);
  keep();
}

}  // namespace flare
