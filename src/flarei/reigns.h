#pragma once

#include "flarei/refusal.h"

/// Epochs and in-sync sets through every change of the map (docs/replication.md 2, 8). Pure.
namespace flare {

/// What stands for a partition whose reign is not known, as in a file of an original: its master and all its active
/// slaves are in sync, and the epoch is the map's version. Partitions with a reign keep it.
NodeMap with_known_reigns(NodeMap map);

/// `after` with the reigns of `before` brought up to date: who left or lost its role is out, the living master and a
/// slave that has become active are in, and a partition whose living master or set is another one has a new epoch. A
/// master that was not in sync begins alone: what the others have may not be what it has.
NodeMap with_reigns_after(const NodeMap& before, NodeMap after);
Decision with_reigns_after(const NodeMap& before, Decision decision);

/// The partition's reign, or the one that stands for it.
PartitionReign reign_of(const NodeMap& map, PartitionId partition);
/// Whether the in-sync set of the node's partition holds it.
bool is_in_sync(const NodeMap& map, const NodeKey& key);

}  // namespace flare
