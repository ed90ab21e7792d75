#include "flared/replication_plan.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

using Kind = ReplicationPlan::Kind;

Node node(int port, Role role, State state, int partition) {
  return {"h", port, role, state, PartitionId{partition}, 1, ThreadType{15 + port}};
}

NodeMap map_of(std::initializer_list<Node> nodes) {
  NodeMap map;
  for (const auto& entry : nodes) map.nodes.emplace(entry.key(), entry);
  return map;
}

const Node a_proxy = node(9, Role::proxy, State::active, -1);
const Node active_master = node(1, Role::master, State::active, 0);

struct Case {
  const char* name;
  std::optional<Node> before;
  NodeMap map;
  Kind kind;
  bool new_reign;
  bool tells_index;
  std::vector<int> source_ports;
};

class Plan : public testing::TestWithParam<Case> {};

TEST_P(Plan, FollowsFromTheMap) {
  const auto& param = GetParam();
  const auto plan = plan_replication(param.before, param.map, NodeKey{"h", 9});
  EXPECT_EQ(plan.kind, param.kind);
  EXPECT_EQ(plan.new_reign, param.new_reign);
  EXPECT_EQ(plan.tell_index_when_done, param.tells_index);
  std::vector<int> ports;
  for (const auto& source : plan.sources) ports.push_back(source.port);
  EXPECT_EQ(ports, param.source_ports);
}

INSTANTIATE_TEST_SUITE_P(
    Cluster_1_7, Plan,
    testing::Values(
        Case{"absent", a_proxy, map_of({active_master}), Kind::none, false, false, {}},
        Case{"proxy", a_proxy, map_of({active_master, a_proxy}), Kind::none, false, false, {}},
        Case{"new_slave",
             a_proxy,
             map_of({active_master, node(9, Role::slave, State::prepare, 0)}),
             Kind::follow,
             false,
             true,
             {1}},
        Case{"active_slave",
             node(9, Role::slave, State::prepare, 0),
             map_of({active_master, node(9, Role::slave, State::active, 0)}),
             Kind::follow,
             false,
             false,
             {1}},
        Case{"slave_of_a_dead_master",
             node(9, Role::slave, State::active, 0),
             map_of({node(1, Role::master, State::down, 0), node(9, Role::slave, State::active, 0)}),
             Kind::none,
             false,
             false,
             {}},
        Case{"first_master", a_proxy, map_of({node(9, Role::master, State::active, 0)}), Kind::lead, true, false, {}},
        Case{"promoted",
             node(9, Role::slave, State::active, 0),
             map_of({node(9, Role::master, State::active, 0)}),
             Kind::lead,
             true,
             false,
             {}},
        Case{"still_master",
             node(9, Role::master, State::active, 0),
             map_of({node(9, Role::master, State::active, 0), node(1, Role::slave, State::prepare, 0)}),
             Kind::lead,
             false,
             false,
             {}},
        Case{"restarted_master",
             std::nullopt,
             map_of({node(9, Role::master, State::down, 0)}),
             Kind::lead,
             true,
             false,
             {}},
        Case{"new_partition",
             a_proxy,
             map_of({active_master, node(9, Role::master, State::prepare, 1)}),
             Kind::import,
             true,
             true,
             {1}},
        Case{"ready_partition",
             node(9, Role::master, State::prepare, 1),
             map_of({active_master, node(9, Role::master, State::ready, 1)}),
             Kind::import,
             false,
             false,
             {1}},
        Case{"activated_partition",
             node(9, Role::master, State::ready, 1),
             map_of({active_master, node(9, Role::master, State::active, 1)}),
             Kind::lead,
             false,
             false,
             {}}),
    [](const auto& the) { return std::string{the.param.name}; });

TEST(PlanPartitions, CountsThePreparingOneForItsOwnNodes) {
  const auto map = map_of({active_master, node(9, Role::master, State::prepare, 1)});
  EXPECT_EQ(plan_replication(a_proxy, map, NodeKey{"h", 9}).partitions, 2);
  const auto slave =
      map_of({active_master, node(2, Role::master, State::prepare, 1), node(9, Role::slave, State::prepare, 0)});
  EXPECT_EQ(plan_replication(a_proxy, slave, NodeKey{"h", 9}).partitions, 1);
}

}  // namespace
}  // namespace flare
