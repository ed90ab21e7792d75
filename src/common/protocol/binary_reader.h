#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "common/protocol/binary_answer.h"
#include "common/protocol/binary_packet.h"
#include "common/protocol/item_request.h"
#include "common/protocol/read_result.h"
#include "common/protocol/request_line.h"

namespace flare {

struct BinaryRead {
  ReadResult result;
  std::size_t skip_bytes = 0;  // of a refused packet's body still to come: for nobody
};

/// Bytes in, one binary request out, parsed in place as RequestReader does it, which hands packets over. A packet is
/// judged by its header alone, so no body is waited for that will be refused for its sizes (docs/spec/protocol.md 9.2).
/// Pure; one for each connection, since what a request points at lives here.
class BinaryReader {
 public:
  explicit BinaryReader(const ReaderLimits& limits) : limits_(limits) {}

  /// `unread` begins with binary_request_magic. `item` is filled where the request is one for a key, which points to
  /// it.
  BinaryRead next(std::string_view unread, ItemRequest& item);

 private:
  BinaryRead take(std::string_view packet, const BinaryRequestHeader& header, ItemRequest& item);
  BinaryRead refuse(std::string_view unread, const BinaryRequestHeader& header, BinaryStatus status,
                    std::string_view text);
  BinaryRead close(const BinaryRequestHeader& header, BinaryStatus status, std::string_view text);
  std::string_view compose(const BinaryRequestHeader& header, BinaryStatus status, std::string_view text);

  static constexpr std::size_t refusal_text_max = 72;

  ReaderLimits limits_;
  BinaryHeader header_;  // of the last request
  std::array<char, binary_header_bytes + refusal_text_max> refusal_{};
};

}  // namespace flare
