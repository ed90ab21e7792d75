#pragma once

#include <cstddef>
#include <string_view>

#include "common/protocol/request.h"

namespace flare {

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

}  // namespace flare
