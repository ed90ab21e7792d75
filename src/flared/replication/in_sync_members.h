#pragma once

#include "common/cluster/node_map.h"
#include "flared/replication/in_sync_set.h"

namespace flare {

/// What `map` says of this partition (docs/replication.md 2, 8). Of an original's map: every active slave may be
/// promoted. Pure.
InSyncSet::Members in_sync_members(const NodeMap& map, PartitionId partition);

/// The partition's epoch by the map; 0: the map is of an original index.
Epoch epoch_of(const NodeMap& map, PartitionId partition);

}  // namespace flare
