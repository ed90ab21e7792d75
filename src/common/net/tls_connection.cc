#include "common/net/tls_connection.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <new>
#include <utility>

#include "common/net/tls_error.h"

namespace flare {

TlsConnection::TlsConnection(std::shared_ptr<const TlsContext> context, Side side, int descriptor)
    : context_(std::move(context)), ssl_(SSL_new(context_->native())) {
  if (!ssl_ || SSL_set_fd(ssl_, descriptor) != 1) {
    SSL_free(ssl_);
    throw std::bad_alloc{};
  }
  side == Side::server ? SSL_set_accept_state(ssl_) : SSL_set_connect_state(ssl_);
}

TlsConnection::~TlsConnection() { SSL_free(ssl_); }

std::size_t TlsConnection::read(char* to, std::size_t size, bool peek, error_code& error) {
  error = {};
  std::size_t taken = 0;
  while (taken < size) {
    ERR_clear_error();
    std::size_t step = 0;
    const int result = (peek ? SSL_peek_ex : SSL_read_ex)(ssl_, to + taken, size - taken, &step);
    if (result != 1) {
      error = failure(result, read_wants_);
      read_dry_ = would_block(error);
      break;
    }
    read_dry_ = false;
    taken += step;
    if (peek || SSL_has_pending(ssl_) == 0) break;  // no call to find that nothing more has come
  }
  look_whether_made();
  if (taken > 0) error = {};  // what stopped it is found again
  return taken;
}

std::size_t TlsConnection::write(const char* from, std::size_t size, error_code& error) {
  error = {};
  std::size_t sent = 0;
  while (sent < size) {
    ERR_clear_error();
    std::size_t step = 0;
    const int result = SSL_write_ex(ssl_, from + sent, size - sent, &step);
    if (result != 1) {
      error = failure(result, write_wants_);
      break;
    }
    sent += step;
  }
  look_whether_made();
  if (sent > 0) error = {};
  return sent;
}

void TlsConnection::handshake(error_code& error) {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  error = result == 1 ? error_code{} : failure(result, read_wants_);
  look_whether_made();
}

void TlsConnection::look_whether_made() {
  if (!handshaking_ || SSL_is_init_finished(ssl_) == 0) return;
  handshaking_ = false;
  read_dry_ = false;  // the peer's first bytes may have come with the end of its handshake
}

// The end counts: the descriptor may tell of it no more.
bool TlsConnection::may_have_bytes() const {
  if (broken_ || (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0) return true;
  return !read_dry_ && SSL_has_pending(ssl_) != 0;
}

void TlsConnection::say_goodbye() {
  if (handshaking_ || broken_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

error_code TlsConnection::failure(int result, PlainSocket::wait_type& wants) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      wants = PlainSocket::wait_read;
      return asio::error::would_block;
    case SSL_ERROR_WANT_WRITE:
      wants = PlainSocket::wait_write;
      return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return asio::error::eof;
    case SSL_ERROR_SYSCALL:
      broken_ = true;
      ERR_clear_error();
      if (saved_errno == 0) return asio::error::eof;
      return {saved_errno, boost::system::system_category()};
    default:
      break;
  }
  broken_ = true;
  const auto packed = ERR_peek_error();
  if (ERR_GET_LIB(packed) == ERR_LIB_SSL && ERR_GET_REASON(packed) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    ERR_clear_error();
    return refused_certificate(SSL_get_verify_result(ssl_));
  }
  const auto error = last_tls_error();
  return error ? error : error_code{asio::error::connection_aborted};
}

}  // namespace flare
