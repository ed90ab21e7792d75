#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/cluster/node.h"

namespace flare {

constexpr ThreadType first_thread_type{16};

/// Who may speak for a partition's data (docs/replication.md 2, 8).
struct PartitionReign {
  Epoch epoch{0};             // the map version at which its living master or its in-sync set last changed
  std::set<NodeKey> in_sync;  // whose acknowledgement a sync write waits for, the master among them

  bool operator==(const PartitionReign&) const = default;
};

/// The whole cluster at one moment (docs/spec/cluster.md 1.1). A value: changes make a new map. Pure.
struct NodeMap {
  MapVersion version{0};
  std::map<NodeKey, Node> nodes;
  ThreadType next_thread_type = first_thread_type;
  /// By partition. Empty: the map is of an original index, which knows none; else each partition has one.
  std::map<PartitionId, PartitionReign> reigns;

  bool operator==(const NodeMap&) const = default;
};

/// What is wrong with a map: each a sentence. Empty for every map that the rules of cluster.md 1 can reach.
std::vector<std::string> violations(const NodeMap& map);

}  // namespace flare
