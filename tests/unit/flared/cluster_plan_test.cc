#include "flared/cluster_plan.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

FlaredOptions options_with(bool on, std::string name, ClusterReplicationMode mode = ClusterReplicationMode::duplicate) {
  FlaredOptions options;
  options.cluster_replication = on;
  options.cluster_replication_server_name = std::move(name);
  options.cluster_replication_mode = mode;
  return options;
}

NodeMap map_of_node(const std::string& name, int port) {
  NodeMap map;
  Node node;
  node.server_name = name;
  node.port = port;
  map.nodes.emplace(node.key(), node);
  return map;
}

TEST(ClusterPlan, FollowsTheOptions) {
  using enum ClusterPlan::Use;
  const auto own = map_of_node("a.example", 12121);
  EXPECT_EQ(plan_cluster_replication(options_with(false, "b.example"), own).use, off);
  EXPECT_EQ(plan_cluster_replication(options_with(true, "b.example"), own).use, duplicate);
  EXPECT_EQ(plan_cluster_replication(options_with(true, "b.example", ClusterReplicationMode::forward), own).use,
            forward);
  EXPECT_EQ(plan_cluster_replication(options_with(true, "b.example"), own).target.text(), "b.example:12121");
}

TEST(ClusterPlan, RefusesWhatCannotBeAndSaysWhichOptionToSet) {
  const auto own = map_of_node("a.example", 12121);
  for (const auto& [name, word] : std::vector<std::pair<std::string, std::string>>{
           {"", "cluster-replication-server-name"}, {"a.example", "a node of this cluster"}}) {
    const auto plan = plan_cluster_replication(options_with(true, name), own);
    EXPECT_EQ(plan.use, ClusterPlan::Use::refused) << name;
    EXPECT_NE(plan.refusal.find(word), std::string::npos) << plan.refusal;
  }
}

TEST(ClusterPlan, RoutesEveryKeyToTheOtherClusterAndShowsTheOwnMap) {
  RoutingView view;
  view.map = map_of_node("a.example", 12121);
  const auto routes = routes_to({"b.example", 12131}, view);
  EXPECT_EQ(routes->map, view.map);
  EXPECT_TRUE(routes->to_other_cluster);
  for (const std::string_view key : {"a", "b", "another key"}) {
    for (const auto& route : {route_read(*routes, key, false, 7), route_write(*routes, key, false),
                              route_write(*routes, key, true), route_read(*routes, key, true, 0)}) {
      ASSERT_EQ(route.kind, Route::Kind::forward);
      EXPECT_EQ(routes->partitions.nodes()[route.node].key().text, "b.example:12131");
    }
  }
}

}  // namespace
}  // namespace flare
