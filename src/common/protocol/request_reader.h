#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/limits.h"
#include "common/protocol/item_request.h"
#include "common/protocol/request.h"
#include "common/protocol/request_line.h"

namespace flare {

/// Bound of the NODE lines of one `node sync`, which are kept until END has come.
constexpr std::size_t node_sync_bytes_max = limits::map_nodes_max * 512;

/// What stands at the begin of the unread bytes.
struct ReadResult {
  enum class Kind {
    request,    // `request` is filled; `consumed` bytes are done
    need_more,  // incomplete: at least `bytes_needed` in all before asking again; nothing consumed
    refused,    // `answer` is to be sent (whole lines with CRLF, or nothing); `consumed` bytes are done
    close,      // `answer` (may be empty) is to be sent, then the connection closed
  };
  Kind kind = Kind::need_more;
  std::size_t consumed = 0;
  std::size_t bytes_needed = 0;
  std::string_view answer;
  Request request;
};

/// Bytes in, one request out, parsed in place: no allocation (but for base64 keys), no state between calls but `skip`.
/// The payload of a refused storage command is skipped when its size is known (protocol.md 9.5). Pure; one for each
/// connection, which stays where it is while `Request::item` is in use.
class RequestReader {
 public:
  explicit RequestReader(const ReaderLimits& limits) : limits_(limits) {}

  /// `unread`: all bytes received and not consumed yet.
  ReadResult next(std::string_view unread);

 private:
  ReadResult skip(std::string_view unread);
  ReadResult take_meta(std::string_view unread, std::size_t line_end, RequestLine& line);
  ReadResult take_payload(std::string_view unread, std::size_t line_end, const RequestLine& line);
  ReadResult take_node_lines(std::string_view unread, std::size_t line_end, const RequestLine& line) const;
  ReadResult refuse_and_skip(std::string_view unread, std::size_t line_end, const RequestLine& line,
                             std::string_view answer);

  ReaderLimits limits_;
  std::size_t skip_bytes_ = 0;  // payload of a refused command still to come
  ItemRequest item_;            // what the last request's `item` points to
  std::string decoded_key_;     // behind a base64 key of `item_`; empty memory until the first one comes
};

}  // namespace flare
