#include "flare_bench/connection.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/net/tls_error.h"

namespace flare::bench {
namespace {

bool not_now() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Connection::~Connection() {
  close();
  SSL_free(tls_);
}

void Connection::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void Connection::begin() {
  batch_.clear();
  sent_ = 0;
  next_ = 0;
}

std::string Connection::start_tls(ssl_ctx_st* context) {
  const int flags = ::fcntl(descriptor_, F_GETFL);
  ::fcntl(descriptor_, F_SETFL, flags & ~O_NONBLOCK);
  tls_ = SSL_new(context);
  SSL_set_fd(tls_, descriptor_);
  ERR_clear_error();
  const bool made = SSL_connect(tls_) == 1;
  ::fcntl(descriptor_, F_SETFL, flags);
  if (made) return {};
  const auto verdict = SSL_get_verify_result(tls_);
  if (verdict != X509_V_OK) return refused_certificate(verdict).message();
  const auto error = last_tls_error();
  return error ? error.message() : "closed by the peer";
}

bool Connection::send_by_tls() {
  while (unsent()) {
    std::size_t sent = 0;
    ERR_clear_error();
    const int result = SSL_write_ex(tls_, batch_.bytes.data() + sent_, batch_.bytes.size() - sent_, &sent);
    if (result != 1) return SSL_get_error(tls_, result) == SSL_ERROR_WANT_WRITE;
    sent_ += sent;
  }
  return true;
}

// All that has come: epoll does not tell of what TLS holds back.
std::optional<std::string_view> Connection::receive_by_tls() {
  std::array<char, 16 * 1024> chunk;
  for (;;) {
    std::size_t got = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(tls_, chunk.data(), chunk.size(), &got);
    if (result != 1) {
      if (SSL_get_error(tls_, result) != SSL_ERROR_WANT_READ) return std::nullopt;
      break;
    }
    unread_.append(chunk.data(), got);
    if (SSL_has_pending(tls_) == 0) break;
  }
  return input_ = unread_;
}

bool Connection::send() {
  if (tls_) return send_by_tls();
  while (unsent()) {
    const auto sent = ::send(descriptor_, batch_.bytes.data() + sent_, batch_.bytes.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0) return not_now();
    sent_ += static_cast<std::size_t>(sent);
  }
  return true;
}

std::optional<std::string_view> Connection::receive(std::span<char> chunk) {
  if (tls_) return receive_by_tls();
  const auto got = ::recv(descriptor_, chunk.data(), chunk.size(), 0);
  if (got == 0 || (got < 0 && !not_now())) return std::nullopt;
  input_ = {chunk.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
  if (!unread_.empty()) input_ = unread_ += input_;
  return input_;
}

void Connection::take(std::size_t bytes) {
  if (!unread_.empty()) {
    unread_.erase(0, bytes);
  } else if (bytes < input_.size()) {
    unread_.assign(input_.substr(bytes));
  }
}

bool Connection::quiet_and_open() const {
  char byte = 0;
  return ::recv(descriptor_, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

}  // namespace flare::bench
