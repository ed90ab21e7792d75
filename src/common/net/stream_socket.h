#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <utility>

#include "common/net/task.h"
#include "common/net/tls_connection.h"

namespace flare {

/// A connected descriptor on its way from one thread to another. Whoever has it owns the descriptor.
struct LooseSocket {
  int descriptor = -1;
  std::shared_ptr<TlsConnection> tls;  // null: none
};

namespace detail {

/// Reads or writes what is possible as soon as something is.
template <class Buffer>
struct TlsTransfer {
  std::shared_ptr<TlsConnection> tls;
  Buffer buffer;
  bool begun = false;
  bool done = false;
  std::size_t moved = 0;
  error_code outcome{};

  template <class Self>
  void operator()(Self& self, error_code error = {}) {
    if (done) return self.complete(outcome, moved);
    auto* const socket = tls->socket;
    if (!error && !socket) error = asio::error::operation_aborted;  // closed meanwhile
    if (!error) {
      moved = step(error);
      if (would_block(error)) {
        begun = true;
        const auto what = waits_for();
        return socket->async_wait(what, std::move(self));
      }
    }
    if (begun || !socket) return self.complete(error, moved);
    outcome = error;
    done = true;
    const auto executor = socket->get_executor();
    asio::post(executor, std::move(self));  // not within the call that began it
  }

 private:
  static constexpr bool reads = std::is_same_v<Buffer, asio::mutable_buffer>;
  std::size_t step(error_code& error) {
    if (buffer.size() == 0) return 0;
    if constexpr (reads) return tls->read(static_cast<char*>(buffer.data()), buffer.size(), false, error);
    if constexpr (!reads) return tls->write(static_cast<const char*>(buffer.data()), buffer.size(), error);
  }
  PlainSocket::wait_type waits_for() const { return reads ? tls->read_waits_for() : tls->write_waits_for(); }
};

struct TlsWait {
  std::shared_ptr<TlsConnection> tls;
  PlainSocket::wait_type what;
  bool begun = false;

  template <class Self>
  void operator()(Self& self, error_code error = {}) {
    if (std::exchange(begun, true)) return self.complete(error);
    auto* const socket = tls->socket;
    if (what == PlainSocket::wait_read && tls->may_have_bytes()) {
      const auto executor = socket->get_executor();
      return asio::post(executor, std::move(self));
    }
    const auto on = what == PlainSocket::wait_read    ? tls->read_waits_for()
                    : what == PlainSocket::wait_write ? tls->write_waits_for()
                                                      : what;
    socket->async_wait(on, std::move(self));
  }
};

struct TlsShake {
  std::shared_ptr<TlsConnection> tls;
  bool begun = false;
  bool done = false;
  error_code outcome{};

  template <class Self>
  void operator()(Self& self, error_code error = {}) {
    if (done) return self.complete(outcome);
    auto* const socket = tls->socket;
    if (!error && !socket) error = asio::error::operation_aborted;
    if (!error) {
      tls->handshake(error);
      if (would_block(error)) {
        begun = true;
        const auto what = tls->read_waits_for();
        return socket->async_wait(what, std::move(self));
      }
    }
    if (begun || !socket) return self.complete(error);
    outcome = error;
    done = true;
    const auto executor = socket->get_executor();
    asio::post(executor, std::move(self));
  }
};

}  // namespace detail

/// TCP or Unix socket, with TLS or without: who reads and writes need not know. Without, each call is the plain
/// socket's after one test. The handshake is made by the first reads or writes, or by `async_handshake`.
class StreamSocket : private PlainSocket {
 public:
  using PlainSocket::executor_type;
  using PlainSocket::shutdown_send;
  using PlainSocket::wait_read;
  using PlainSocket::wait_type;
  using PlainSocket::wait_write;

  explicit StreamSocket(IoExecutor executor) : PlainSocket(executor) {}
  StreamSocket(PlainSocket socket) : PlainSocket(std::move(socket)) {}  // NOLINT: as acceptors give it
  StreamSocket(StreamSocket&& other) noexcept : PlainSocket(std::move(other)), tls_(std::move(other.tls_)) { keep(); }
  StreamSocket& operator=(StreamSocket&& other) noexcept {
    if (tls_) end_tls();
    PlainSocket::operator=(std::move(other));
    tls_ = std::move(other.tls_);
    keep();
    return *this;
  }
  ~StreamSocket() {
    if (tls_) end_tls();
  }

  using PlainSocket::assign;
  using PlainSocket::async_connect;
  using PlainSocket::bind;
  using PlainSocket::cancel;
  using PlainSocket::get_executor;
  using PlainSocket::is_open;
  using PlainSocket::native_handle;
  using PlainSocket::non_blocking;
  using PlainSocket::open;
  using PlainSocket::set_option;

  /// From here on all is TLS. The socket is connected.
  void start_tls(std::shared_ptr<const TlsContext> context, TlsConnection::Side side);
  bool has_tls() const { return tls_ != nullptr; }
  bool handshaking() const { return tls_ && tls_->handshaking(); }
  /// One step of it, without waiting; no error: it is made.
  void handshake(error_code& error) { tls_->handshake(error); }

  /// Gives it up with its TLS, and takes one over.
  LooseSocket detach(error_code& error);
  void attach(LooseSocket socket, error_code& error);

  void close(error_code& error) {
    if (tls_) end_tls();
    PlainSocket::close(error);
  }
  /// With a goodbye; what is read afterwards is not taken out of its TLS.
  void shutdown(shutdown_type what, error_code& error) {
    if (tls_) end_tls();
    PlainSocket::shutdown(what, error);
  }

  // Without waiting, if the socket is non-blocking.
  std::size_t receive(asio::mutable_buffer buffer, asio::socket_base::message_flags flags, error_code& error) {
    if (!tls_) return PlainSocket::receive(buffer, flags, error);
    return tls_->read(static_cast<char*>(buffer.data()), buffer.size(), flags != 0, error);
  }
  std::size_t read_some(asio::mutable_buffer buffer, error_code& error) {
    if (!tls_) return PlainSocket::read_some(buffer, error);
    return tls_->read(static_cast<char*>(buffer.data()), buffer.size(), false, error);
  }
  std::size_t send(asio::const_buffer buffer, asio::socket_base::message_flags flags, error_code& error) {
    if (!tls_) return PlainSocket::send(buffer, flags, error);
    return tls_->write(static_cast<const char*>(buffer.data()), buffer.size(), error);
  }

  template <class Token>
  auto async_wait(wait_type what, Token&& token) {
    if (!tls_) return PlainSocket::async_wait(what, std::forward<Token>(token));
    return asio::async_compose<Token, void(error_code)>(detail::TlsWait{tls_, what}, token, get_executor());
  }
  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    if (!tls_) return PlainSocket::async_read_some(buffers, std::forward<Token>(token));
    using Read = detail::TlsTransfer<asio::mutable_buffer>;
    return asio::async_compose<Token, void(error_code, std::size_t)>(
        Read{tls_, first_of<asio::mutable_buffer>(buffers)}, token, get_executor());
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    if (!tls_) return PlainSocket::async_write_some(buffers, std::forward<Token>(token));
    using Write = detail::TlsTransfer<asio::const_buffer>;
    return asio::async_compose<Token, void(error_code, std::size_t)>(Write{tls_, first_of<asio::const_buffer>(buffers)},
                                                                     token, get_executor());
  }
  /// After `start_tls`.
  template <class Token>
  auto async_handshake(Token&& token) {
    return asio::async_compose<Token, void(error_code)>(detail::TlsShake{tls_}, token, get_executor());
  }

 private:
  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    for (auto one = asio::buffer_sequence_begin(buffers); one != asio::buffer_sequence_end(buffers); ++one) {
      if (const Buffer buffer{*one}; buffer.size() > 0) return buffer;
    }
    return {};
  }
  void keep() {
    if (tls_) tls_->socket = this;
  }
  void end_tls();

  std::shared_ptr<TlsConnection> tls_;  // null: none
};

}  // namespace flare
