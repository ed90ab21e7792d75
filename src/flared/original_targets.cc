#include "flared/original_targets.h"

namespace flare {

namespace {

OriginalSlaves::Target target_of(const Node& node) {
  return {node.key(), node.server_name, node.port, node.state != State::active};
}

bool is_preparing_master(const Node& node) {
  return node.role == Role::master && (node.state == State::prepare || node.state == State::ready);
}

}  // namespace

std::vector<OriginalSlaves::Target> targets_of_master(const RoutingView& view, const NodeKey& own_key) {
  std::vector<OriginalSlaves::Target> targets;
  const auto own = view.map.nodes.find(own_key);
  if (own == view.map.nodes.end() || own->second.role != Role::master) return targets;
  for (const auto& [key, node] : view.map.nodes) {
    if (key == own_key) continue;
    if (node.role == Role::slave && node.state != State::down && node.partition == own->second.partition) {
      targets.push_back(target_of(node));
    }
    if (!is_preparing_master(node) || own->second.state != State::active || !view.partitions.prepare()) continue;
    auto target = target_of(node);
    target.wanted = [partitions = view.partitions, moves_to = node.partition](std::string_view name) {
      return partitions.future_partition_of(name) == moves_to;
    };
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace flare
