#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/cluster/node_map.h"

/// Versions of a partition that has had a second master (docs/replication.md 6). Pure.
namespace flare {

/// The lowest version that a master of this epoch gives: above all that a deposed one could still send.
RecordVersion version_floor(Epoch epoch);

/// Whether `own` leads by `after` what another node led before. `before`: the map of this node until now.
bool takes_over(const NodeMap& before, const NodeMap& after, const NodeKey& own);

/// What a node that has taken a partition over keeps, so that it knows after a restart.
std::string format_taken_over(PartitionId partition);
std::optional<PartitionId> parse_taken_over(std::string_view text);

}  // namespace flare
