#pragma once

#include <memory>
#include <string>

#include "flared/options.h"
#include "flared/replication/cluster_lane.h"
#include "flared/routing.h"

/// What the options cluster-replication* ask of this node, by the map that it has (docs/spec/cluster.md 7). Pure.
namespace flare {

struct ClusterPlan {
  enum class Use : std::uint8_t {
    off,
    duplicate,  // a master sends its log to the other cluster
    forward,    // every node sends all requests there
    refused,    // asked for, and impossible: see `refusal`
  };
  Use use = Use::off;
  ClusterTarget target;
  std::string refusal;
  bool operator==(const ClusterPlan&) const = default;
};
std::string_view to_text(ClusterPlan::Use use);

ClusterPlan plan_cluster_replication(const FlaredOptions& options, const NodeMap& own_map);

/// Routes by which every key is the other cluster's; the map shown to operators stays this cluster's.
std::shared_ptr<const RoutingView> routes_to(const ClusterTarget& target, const RoutingView& view);

}  // namespace flare
