#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "support/deadline.h"
#include "support/text_client.h"

namespace flare::test {

/// A client that keeps no rules: sends pieces, ends one side, resets, or never reads. Never blocks beyond its limits.
class RawClient {
 public:
  /// From the local IPv4 address `from`, if it is given. Throws std::runtime_error.
  explicit RawClient(const Address& address, const std::string& from = {});
  ~RawClient();
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&& other) noexcept;

  /// Sends, reading meanwhile; how much the peer has taken when it closed or the limit passed.
  std::size_t send(std::string_view bytes, Milliseconds limit = usual_limit);
  /// Sends without ever reading; what fits into the buffers between the two.
  std::size_t send_deaf(std::string_view bytes);
  void end_sending();
  /// Reads until the peer closes; false at the limit.
  [[nodiscard]] bool reads_to_end(Milliseconds limit = usual_limit);
  /// Reads until what has come holds `text`, or the peer closes; false then, and at the limit.
  [[nodiscard]] bool reads(std::string_view text, Milliseconds limit = usual_limit);
  /// Closes so that the peer gets a reset.
  void reset();
  /// What has come, its first MiB.
  [[nodiscard]] const std::string& received() const { return received_; }

 private:
  bool receive();  // what is there; false: closed
  [[nodiscard]] bool ready(short events, int wait_ms) const;

  int descriptor_ = -1;
  bool ended_ = false;
  std::string received_;
};

}  // namespace flare::test
