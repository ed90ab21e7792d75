#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "flare_bench/batch.h"

struct ssl_ctx_st;
struct ssl_st;

namespace flare::bench {

/// A connected socket that does not block, the batch that is on its way, and what has come of its answers.
class Connection {
 public:
  explicit Connection(int descriptor) : descriptor_{descriptor} {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Negative when closed.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  void close();
  /// Makes the handshake before it returns; why it could not, or nothing.
  [[nodiscard]] std::string start_tls(ssl_ctx_st* context);
  Batch& batch() { return batch_; }
  void begin();  ///< Empties the batch for the next requests.

  [[nodiscard]] bool unsent() const { return sent_ < batch_.bytes.size(); }
  /// As much as the socket takes now; false when the peer is gone.
  [[nodiscard]] bool send();
  /// All unread input, with what has come now, which is in `chunk`; none when the peer is gone.
  [[nodiscard]] std::optional<std::string_view> receive(std::span<char> chunk);
  /// So many bytes of what `receive` returned are done with. Once after each call of it.
  void take(std::size_t bytes);
  /// Nothing has been sent by the peer, and it is still there. For connections that keep still.
  [[nodiscard]] bool quiet_and_open() const;

  [[nodiscard]] bool answered() const { return next_ == batch_.requests.size(); }
  [[nodiscard]] const Asked& awaited() const { return batch_.requests[next_]; }
  void count_answer() { ++next_; }
  bool waits_for_room = false;  ///< epoll tells when more can be sent
  bool busy = false;            ///< its batch is not answered yet

 private:
  [[nodiscard]] bool send_by_tls();
  std::optional<std::string_view> receive_by_tls();

  int descriptor_;
  ssl_st* tls_ = nullptr;  // none: plain
  Batch batch_{};
  std::size_t sent_ = 0;
  std::size_t next_ = 0;      // the request whose answer comes next
  std::string unread_{};      // the begin of an answer that has not come whole
  std::string_view input_{};  // as returned: of the chunk, or of `unread_`
};

}  // namespace flare::bench
