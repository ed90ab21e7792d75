#include "flared/position_request.h"

#include <fmt/format.h>

#include "common/protocol/words.h"

namespace flare {

std::optional<PositionRequest> parse_position_request(std::string_view text) {
  Words words{text};
  const auto partition = words.next_number<std::int32_t>();
  const auto epoch = words.next_number<std::uint64_t>();
  if (!partition || *partition < 0 || !epoch) return std::nullopt;
  PositionRequest request{{PartitionId{*partition}, Epoch{*epoch}}};
  if (words.done()) return request;
  request.leaving = words.next() == "leaving";
  if (!request.leaving || !words.done()) return std::nullopt;
  return request;
}

std::string format_position(const Position& position) {
  return fmt::format("POSITION {:016x} {} {}\r\n", raw(position.log_id), raw(position.epoch), raw(position.sequence));
}

}  // namespace flare
