#pragma once

#include <optional>
#include <vector>

#include "common/cluster/node_map.h"

/// What a node does for replication under a map (docs/spec/cluster.md 1.7, docs/replication.md 4). Pure.
namespace flare {

struct ReplicationPlan {
  enum class Kind {
    none,    // a proxy, a node that the map does not show, a slave whose master is gone
    lead,    // master: numbers entries, serves slaves
    follow,  // slave: follows `sources.front()`
    import,  // master of a new partition: gathers its keys from all of `sources`, then reports ready
  };
  Kind kind = Kind::none;
  bool new_reign = false;             // lead, import: was not master before, so its entries begin a new epoch
  bool tell_index_when_done = false;  // follow: prepare -> active; import: prepare -> ready
  PartitionId partition = no_partition;
  int partitions = 0;  // in all, the preparing one included if it is this node's
  std::vector<Node> sources;

  bool operator==(const ReplicationPlan&) const = default;
};

/// The active masters of all other partitions.
std::vector<Node> masters_beside(const NodeMap& map, const NodeKey& own);

/// `before`: this node's entry in the map before, if there was one.
ReplicationPlan plan_replication(const std::optional<Node>& before, const NodeMap& map, const NodeKey& own);

}  // namespace flare
