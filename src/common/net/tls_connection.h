#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/net/task.h"
#include "common/net/tls_context.h"

struct ssl_st;

namespace flare {

/// The TLS of one connected descriptor, which stays the socket's. Nothing here waits: `would_block` means, wait until
/// the descriptor is ready for what `read_waits_for` or `write_waits_for` says. Belongs to its socket's thread, and
/// goes with the socket to another one.
class TlsConnection {
 public:
  enum class Side : std::uint8_t { server, client };

  TlsConnection(std::shared_ptr<const TlsContext> context, Side side, int descriptor);
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  /// As much as is here and fits. `eof` at the peer's end.
  std::size_t read(char* to, std::size_t size, bool peek, error_code& error);
  /// As much as the descriptor takes. What has to wait must come again, at the same place.
  std::size_t write(const char* from, std::size_t size, error_code& error);
  void handshake(error_code& error);
  bool handshaking() const { return handshaking_; }
  /// Tells the peer that nothing more comes, if that is possible at once.
  void say_goodbye();
  /// Whether something may be read without waiting for the descriptor.
  bool may_have_bytes() const;

  PlainSocket::wait_type read_waits_for() const { return read_wants_; }
  PlainSocket::wait_type write_waits_for() const { return write_wants_; }
  /// Null: closed, or on its way to another thread. Kept by the socket.
  PlainSocket* socket = nullptr;

 private:
  error_code failure(int result, PlainSocket::wait_type& wants);
  void look_whether_made();

  std::shared_ptr<const TlsContext> context_;
  ssl_st* ssl_;
  bool handshaking_ = true;
  bool read_dry_ = true;  // the last read found nothing: only the descriptor can bring more
  bool broken_ = false;
  PlainSocket::wait_type read_wants_ = PlainSocket::wait_read;
  PlainSocket::wait_type write_wants_ = PlainSocket::wait_write;
};

inline bool would_block(const error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

}  // namespace flare
