#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/limits.h"
#include "common/protocol/binary_reader.h"
#include "common/protocol/item_request.h"
#include "common/protocol/proxy_header.h"
#include "common/protocol/read_result.h"
#include "common/protocol/request.h"
#include "common/protocol/request_line.h"

namespace flare {

/// Bound of the NODE lines of one `node sync`, which are kept until END has come.
constexpr std::size_t node_sync_bytes_max = limits::map_nodes_max * 512;

/// Bytes in, one request out, parsed in place: no allocation (but for base64 keys), no state between calls but `skip`
/// and `stray_header`. The payload of a refused storage command is skipped when its size is known (protocol.md 9.5).
/// Pure; one for each connection, which stays where it is while `Request::item` is in use.
class RequestReader {
 public:
  explicit RequestReader(const ReaderLimits& limits) : limits_(limits), binary_(limits) {}

  /// `unread`: all bytes received and not consumed yet.
  ReadResult next(std::string_view unread);

 private:
  ReadResult skip(std::string_view unread);
  ReadResult take_meta(std::string_view unread, std::size_t line_end, RequestLine& line);
  ReadResult take_packet(std::string_view unread);
  ReadResult take_payload(std::string_view unread, std::size_t line_end, const RequestLine& line);
  ReadResult take_node_lines(std::string_view unread, std::size_t line_end, const RequestLine& line) const;
  ReadResult refuse_and_skip(std::string_view unread, std::size_t line_end, const RequestLine& line,
                             std::string_view answer);

  ReaderLimits limits_;
  std::size_t skip_bytes_ = 0;  // payload of a refused command still to come
  ItemRequest item_;            // what the last request's `item` points to
  std::string decoded_key_;     // behind a base64 key of `item_`; empty memory until the first one comes
  StrayHeader stray_header_;
  BinaryReader binary_;
};

}  // namespace flare
