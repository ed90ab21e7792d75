#include "flared/cluster_plan.h"

#include <fmt/format.h>

namespace flare {

std::string_view to_text(ClusterPlan::Use use) {
  switch (use) {
    case ClusterPlan::Use::off:
      return "off";
    case ClusterPlan::Use::duplicate:
      return "duplicate";
    case ClusterPlan::Use::forward:
      return "forward";
    case ClusterPlan::Use::refused:
      return "refused";
  }
  return "unknown";
}

// A cluster that sends to itself would pass each touch, and in mode forward each request, around for ever.
ClusterPlan plan_cluster_replication(const FlaredOptions& options, const NodeMap& own_map) {
  using enum ClusterPlan::Use;
  if (!options.cluster_replication) return {};
  const ClusterTarget target{options.cluster_replication_server_name, options.cluster_replication_server_port};
  if (target.host.empty()) {
    return {refused, target, "cluster-replication is on, but cluster-replication-server-name is empty: set both"};
  }
  if (own_map.nodes.contains(NodeKey{target.host, target.port})) {
    return {refused, target,
            fmt::format("cluster-replication-server-name and -port name {}, which is a node of this cluster: name one "
                        "of another cluster",
                        target.text())};
  }
  return {options.cluster_replication_mode == ClusterReplicationMode::forward ? forward : duplicate, target, {}};
}

std::shared_ptr<const RoutingView> routes_to(const ClusterTarget& target, const RoutingView& view) {
  NodeMap other;
  Node node;
  node.server_name = target.host;
  node.port = target.port;
  node.role = Role::master;
  node.state = State::active;
  node.partition = PartitionId{0};
  node.balance = 1;
  auto key = node.key();
  other.nodes.emplace(std::move(key), std::move(node));
  auto routes = std::make_shared<RoutingView>();
  routes->map = view.map;
  if (auto partitions = PartitionMap::make(other, PartitionMeta{}, KeyHashAlgorithm::simple)) {
    routes->partitions = std::move(*partitions);
  }
  routes->to_other_cluster = true;
  return routes;
}

}  // namespace flare
