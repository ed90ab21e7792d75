#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

/// How flarei asks a node how far its log goes (docs/replication.md 10). Pure.
namespace flare {

/// How much of a partition's history a node has: the greater, the more.
struct LogPosition {
  Epoch epoch{0};
  Sequence sequence{0};

  auto operator<=>(const LogPosition&) const = default;
};

/// What is asked of the node beside the answer.
enum class PositionAsked {
  promise,  // it takes no stream of an epoch below the one named
  leaving,  // its partition's master is to go: no promise; the master refuses flush_all for a while
};

/// `position <partition> <epoch>[ leaving]` CRLF.
std::string position_request(PartitionId partition, Epoch epoch, PositionAsked asked);
/// `POSITION <log-id> <epoch> <sequence>` without line end; nullopt: not that.
std::optional<LogPosition> parse_position_answer(std::string_view line);

}  // namespace flare
