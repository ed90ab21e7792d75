#include "flarei/reigns.h"

#include <set>
#include <utility>

#include "flarei/map_query.h"

namespace flare {

namespace {

std::set<PartitionId> held_partitions(const NodeMap& map) {
  std::set<PartitionId> held;
  for (const auto& [key, node] : map.nodes) {
    if (node.partition != no_partition) held.insert(node.partition);
  }
  return held;
}

PartitionReign assumed_reign(const NodeMap& map, PartitionId partition) {
  PartitionReign reign{Epoch{raw(map.version)}, {}};
  for (const auto& [key, node] : map.nodes) {
    if (node.partition != partition) continue;
    if (node.role == Role::master || node.state == State::active) reign.in_sync.insert(key);
  }
  return reign;
}

const Node* node_of(const NodeMap& map, const NodeKey& key) {
  const auto found = map.nodes.find(key);
  return found == map.nodes.end() ? nullptr : &found->second;
}

NodeKey key_of(const Node* node) { return node ? node->key() : NodeKey{}; }

bool was_activated(const NodeMap& before, const NodeKey& key, const Node& now) {
  const auto* old = node_of(before, key);
  return now.role == Role::slave && now.state == State::active && old && old->state != State::active;
}

std::set<NodeKey> set_after(const NodeMap& before, const NodeMap& after, PartitionId partition,
                            const std::set<NodeKey>& old_set) {
  const auto* leader = living_master(after, partition);
  const bool is_new = key_of(leader) != key_of(living_master(before, partition));
  if (leader && is_new && !old_set.contains(leader->key())) return {leader->key()};
  std::set<NodeKey> now;
  for (const auto& [key, node] : after.nodes) {
    if (node.partition != partition) continue;
    // A preserved master beside a living one becomes a proxy when it returns (cluster.md 4.4).
    if (leader && node.role == Role::master && &node != leader) continue;
    if (old_set.contains(key) || was_activated(before, key, node)) now.insert(key);
  }
  if (leader) now.insert(leader->key());
  return now;
}

PartitionReign reign_after(const NodeMap& before, const NodeMap& after, PartitionId partition) {
  const auto old = reign_of(before, partition);
  PartitionReign now{old.epoch, set_after(before, after, partition, old.in_sync)};
  const bool same_leader = key_of(living_master(before, partition)) == key_of(living_master(after, partition));
  if (!same_leader || now.in_sync != old.in_sync) now.epoch = Epoch{raw(after.version)};
  return now;
}

}  // namespace

NodeMap with_known_reigns(NodeMap map) {
  for (const auto partition : held_partitions(map)) {
    if (!map.reigns.contains(partition)) map.reigns.emplace(partition, assumed_reign(map, partition));
  }
  return map;
}

NodeMap with_reigns_after(const NodeMap& before, NodeMap after) {
  std::map<PartitionId, PartitionReign> reigns;
  for (const auto partition : held_partitions(after)) {
    reigns.emplace(partition, reign_after(before, after, partition));
  }
  after.reigns = std::move(reigns);
  return after;
}

Decision with_reigns_after(const NodeMap& before, Decision decision) {
  if (!decision || decision->version == before.version) return decision;
  return with_reigns_after(before, std::move(*decision));
}

PartitionReign reign_of(const NodeMap& map, PartitionId partition) {
  const auto found = map.reigns.find(partition);
  return found == map.reigns.end() ? assumed_reign(map, partition) : found->second;
}

bool is_in_sync(const NodeMap& map, const NodeKey& key) {
  const auto* node = node_of(map, key);
  return node && node->partition != no_partition && reign_of(map, node->partition).in_sync.contains(key);
}

}  // namespace flare
