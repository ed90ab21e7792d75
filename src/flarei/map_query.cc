#include "flarei/map_query.h"

#include <set>

namespace flare {

const Node* living_master(const NodeMap& map, PartitionId partition) {
  for (const auto& [key, node] : map.nodes) {
    if (node.role == Role::master && node.partition == partition && !is_down(node)) return &node;
  }
  return nullptr;
}

int active_partitions(const NodeMap& map) {
  std::set<PartitionId> found;
  for (const auto& [key, node] : map.nodes) {
    if (node.role == Role::master && !is_preparing(node)) found.insert(node.partition);
  }
  return static_cast<int>(found.size());
}

std::int64_t balance_sum(const NodeMap& map, PartitionId partition, const NodeKey& except) {
  std::int64_t sum = 0;
  for (const auto& [key, node] : map.nodes) {
    if (node.partition == partition && key != except) sum += node.balance;
  }
  return sum;
}

void make_proxy(Node& node, State state) {
  node.role = Role::proxy;
  node.state = state;
  node.partition = no_partition;
  node.balance = 0;
}

void cancel_split(NodeMap& map, PartitionId partition) {
  for (auto& [key, node] : map.nodes) {
    if (node.partition == partition) make_proxy(node, State::active);
  }
}

}  // namespace flare
