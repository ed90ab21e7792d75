#pragma once

#include <cstdint>

#include "common/cluster/node_map.h"

/// Questions about a node map that the rules of flarei share. Pure.
namespace flare {

inline bool is_down(const Node& node) { return node.state == State::down; }
inline bool is_active_slave(const Node& node, PartitionId partition) {
  return node.role == Role::slave && node.state == State::active && node.partition == partition;
}
/// Of a partition that is not served yet, or a slave not complete yet.
inline bool is_preparing(const Node& node) { return node.state == State::prepare || node.state == State::ready; }

/// The partition's master that is not down, or null. There is at most one.
const Node* living_master(const NodeMap& map, PartitionId partition);
/// Partitions of the active map: those with a master that is active or preserved (docs/spec/cluster.md 2.3).
int active_partitions(const NodeMap& map);
/// Sum of the balances of the partition's nodes, without `except`.
std::int64_t balance_sum(const NodeMap& map, PartitionId partition, const NodeKey& except);

void make_proxy(Node& node, State state);
/// The split is cancelled: the preparing master's slaves and itself become active proxies (cluster.md 1.4, 4.3).
void cancel_split(NodeMap& map, PartitionId partition);

}  // namespace flare
