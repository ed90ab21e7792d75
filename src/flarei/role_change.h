#pragma once

#include "flarei/refusal.h"

namespace flare {

/// `node role <S> <P> <role> [balance [partition]] ... [force]` (docs/spec/cluster.md 1.3).
struct RoleRequest {
  NodeKey key;
  Role role = Role::proxy;
  int balance = -1;
  PartitionId partition = no_partition;
  bool force = false;  // the last word was `force`: a preserved partition may be taken over (cluster.md 9.8)
};

/// Every row of cluster.md 1.4. `partitions_max`: partition-size - 1 (cluster.md 2.2). Pure.
Decision change_role(const NodeMap& map, const RoleRequest& request, int partitions_max);

}  // namespace flare
