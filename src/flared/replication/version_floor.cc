#include "flared/replication/version_floor.h"

#include <fmt/format.h>

#include <algorithm>

#include "flared/replication/header_words.h"

namespace flare {

RecordVersion version_floor(Epoch epoch) {
  constexpr std::uint64_t epoch_max = (std::uint64_t{1} << 24) - 1;  // what fits above 40 bits
  return RecordVersion{std::min(raw(epoch), epoch_max) << 40};
}

bool takes_over(const NodeMap& before, const NodeMap& after, const NodeKey& own) {
  const auto now = after.nodes.find(own);
  if (now == after.nodes.end() || now->second.role != Role::master) return false;
  const auto was = before.nodes.find(own);
  if (was == before.nodes.end() || was->second.role == Role::master) return false;
  return std::any_of(before.nodes.begin(), before.nodes.end(), [&](const auto& entry) {
    const auto& [key, node] = entry;
    return key != own && node.role == Role::master && node.partition == now->second.partition;
  });
}

std::string format_taken_over(PartitionId partition) { return fmt::format("flare-taken-over 1 {}\n", raw(partition)); }

std::optional<PartitionId> parse_taken_over(std::string_view text) {
  if (text.empty() || text.back() != '\n') return std::nullopt;
  HeaderWords words{text.substr(0, text.size() - 1)};
  if (words.next() != "flare-taken-over" || words.next() != "1") return std::nullopt;
  const auto partition = words.next_id<PartitionId>();
  if (!partition || raw(*partition) < 0 || !words.at_end()) return std::nullopt;
  return partition;
}

}  // namespace flare
