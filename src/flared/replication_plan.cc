#include "flared/replication_plan.h"

namespace flare {

namespace {

int count_active_partitions(const NodeMap& map) {
  int count = 0;
  for (const auto& [key, node] : map.nodes) {
    const bool holds_partition =
        node.role == Role::master && (node.state == State::active || node.state == State::down);
    if (holds_partition && raw(node.partition) + 1 > count) count = raw(node.partition) + 1;
  }
  return count;
}

std::vector<Node> master_of(const NodeMap& map, PartitionId partition) {
  for (const auto& [key, node] : map.nodes) {
    if (node.role == Role::master && node.state != State::down && node.partition == partition) return {node};
  }
  return {};
}

}  // namespace

std::vector<Node> masters_beside(const NodeMap& map, const NodeKey& own) {
  std::vector<Node> found;
  for (const auto& [key, node] : map.nodes) {
    if (node.role == Role::master && node.state == State::active && key != own) found.push_back(node);
  }
  return found;
}

ReplicationPlan plan_replication(const std::optional<Node>& before, const NodeMap& map, const NodeKey& own_key) {
  ReplicationPlan plan;
  const auto found = map.nodes.find(own_key);
  if (found == map.nodes.end()) return plan;
  const Node& own = found->second;
  if (own.role == Role::proxy) return plan;

  plan.partition = own.partition;
  plan.partitions = std::max(count_active_partitions(map), raw(own.partition) + 1);
  if (own.role == Role::slave) {
    plan.sources = master_of(map, own.partition);
    plan.kind =
        plan.sources.empty() || own.state == State::down ? ReplicationPlan::Kind::none : ReplicationPlan::Kind::follow;
    plan.tell_index_when_done = own.state == State::prepare;
    return plan;
  }
  plan.new_reign = !before || before->role != Role::master;
  plan.kind = ReplicationPlan::Kind::lead;
  if (own.state == State::prepare || own.state == State::ready) {
    plan.kind = ReplicationPlan::Kind::import;  // keeps up with the other masters until it is active
    plan.sources = masters_beside(map, own_key);
    plan.tell_index_when_done = own.state == State::prepare;
  }
  return plan;
}

}  // namespace flare
