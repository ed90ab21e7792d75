#include "flarei/role_change.h"

#include <algorithm>
#include <utility>

#include "flarei/map_query.h"
#include "flarei/reigns.h"

namespace flare {

namespace {

NodeMap next_version(const NodeMap& map) {
  NodeMap changed = map;
  changed.version = next(map.version);
  return changed;
}

Decision set_balance(const NodeMap& map, const RoleRequest& request, PartitionId partition) {
  if (request.balance < 0) return Refusal::balance_negative;
  if (balance_sum(map, partition, request.key) + request.balance == 0) return Refusal::balance_sum_zero;
  NodeMap changed = next_version(map);
  changed.nodes.at(request.key).balance = request.balance;
  return changed;
}

Decision become_proxy(const NodeMap& map, const NodeKey& key) {
  NodeMap changed = next_version(map);
  make_proxy(changed.nodes.at(key), State::active);
  return changed;
}

Decision from_master(const NodeMap& map, const RoleRequest& request, const Node& node) {
  if (request.role == Role::master) return set_balance(map, request, node.partition);
  // An active master is replaced by `node state ... down` only; a preparing one can give its split up.
  if (request.role == Role::slave || !is_preparing(node)) return Refusal::role_not_allowed;
  NodeMap changed = next_version(map);
  cancel_split(changed, node.partition);
  return changed;
}

// docs/replication.md 10: a slave that was not in sync when its master went follows it by the operator's word alone.
Decision lead_without_master(const NodeMap& map, const RoleRequest& request, const Node& node) {
  if (node.state != State::active || request.partition != node.partition) return Refusal::role_not_allowed;
  if (living_master(map, node.partition)) return Refusal::role_not_allowed;
  if (request.balance <= 0) return Refusal::balance_not_positive;
  if (!request.force) return Refusal::force_needed;
  NodeMap changed = next_version(map);
  auto& leader = changed.nodes.at(request.key);
  leader.role = Role::master;
  leader.balance = request.balance;
  return changed;
}

Decision from_slave(const NodeMap& map, const RoleRequest& request, const Node& node) {
  switch (request.role) {
    case Role::master:
      return lead_without_master(map, request, node);
    case Role::slave: {
      if (node.state == State::active) return set_balance(map, request, node.partition);
      const auto* master = living_master(map, node.partition);
      if (!master || !is_preparing(*master)) return Refusal::role_not_allowed;
      return set_balance(map, request, node.partition);
    }
    case Role::proxy:
      if (node.state == State::active && balance_sum(map, node.partition, request.key) == 0) {
        return Refusal::balance_sum_zero;
      }
      return become_proxy(map, request.key);
  }
  return Refusal::role_not_allowed;
}

Decision become_slave(const NodeMap& map, const RoleRequest& request) {
  const auto* master = raw(request.partition) < 0 ? nullptr : living_master(map, request.partition);
  if (!master) return Refusal::no_master;
  const int balance = is_preparing(*master) ? std::max(request.balance, 0) : 0;
  NodeMap changed = next_version(map);
  auto& node = changed.nodes.at(request.key);
  node.role = Role::slave;
  node.state = State::prepare;
  node.partition = request.partition;
  node.balance = balance;
  return changed;
}

// cluster.md 1.4, below the table: partitions are made in order, one at a time.
Decision become_master(const NodeMap& map, const RoleRequest& request, int partitions_max) {
  const int partitions = active_partitions(map);
  const int partition = raw(request.partition);
  if (partition < 0 || partition > partitions || partition >= partitions_max) return Refusal::partition_not_next;
  if (request.balance <= 0) return Refusal::balance_not_positive;
  if (living_master(map, request.partition)) return Refusal::partition_has_master;
  const bool is_new = partition == partitions;
  if (!is_new && !request.force) return Refusal::force_needed;  // cluster.md 9.8

  NodeMap changed = next_version(map);
  auto& node = changed.nodes.at(request.key);
  node.role = Role::master;
  node.state = is_new && partition > 0 ? State::prepare : State::active;
  node.partition = request.partition;
  node.balance = request.balance;
  return changed;
}

Decision decide(const NodeMap& map, const RoleRequest& request, int partitions_max) {
  const auto found = map.nodes.find(request.key);
  if (found == map.nodes.end()) return Refusal::unknown_node;
  const Node& node = found->second;
  if (is_down(node)) return Refusal::node_is_down;
  if (node.role == Role::master) return from_master(map, request, node);
  if (node.role == Role::slave) return from_slave(map, request, node);
  switch (request.role) {
    case Role::master:
      return become_master(map, request, partitions_max);
    case Role::slave:
      return become_slave(map, request);
    case Role::proxy:
      return next_version(map);  // accepted, the version is raised (cluster.md 1.4)
  }
  return Refusal::role_not_allowed;
}

}  // namespace

Decision change_role(const NodeMap& map, const RoleRequest& request, int partitions_max) {
  return with_reigns_after(map, decide(map, request, partitions_max));
}

}  // namespace flare
