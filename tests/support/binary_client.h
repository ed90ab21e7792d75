#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/binary_packets.h"
#include "support/text_client.h"

namespace flare::test {

/// A client of the binary protocol, blocking with deadlines, on a connection that takes text too. Failures throw
/// std::runtime_error with what was awaited.
class BinaryClient {
 public:
  explicit BinaryClient(const Address& address) : text_{address} {}

  void send(const Packet& request) { text_.send(request_packet(request)); }
  /// The next packet, which must be an answer.
  [[nodiscard]] Packet read();
  [[nodiscard]] Packet ask(const Packet& request);
  /// Answers up to the one without key and value: those of stat.
  [[nodiscard]] std::vector<Packet> read_list();

  [[nodiscard]] TextClient& text() { return text_; }

 private:
  TextClient text_;
};

}  // namespace flare::test
