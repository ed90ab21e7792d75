#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "flared/replication/promise.h"
#include "flared/storage/log_entry.h"

namespace flare {

/// `position <partition> <epoch> [leaving]`: how an index asks where a node of a partition stands (docs/replication.md
/// 10); epoch 0 asks for no promise. Pure.
struct PositionRequest {
  Promise::Given asked;
  bool leaving = false;  // the master is to go: no promise is asked for

  bool operator==(const PositionRequest&) const = default;
};

/// The words behind `position`.
std::optional<PositionRequest> parse_position_request(std::string_view words);
/// `POSITION <log-id> <epoch> <sequence>`, CRLF included.
std::string format_position(const Position& position);

}  // namespace flare
