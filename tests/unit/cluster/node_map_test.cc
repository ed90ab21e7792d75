#include "common/cluster/node_map.h"

#include <gmock/gmock.h>

#include <functional>

namespace flare {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Node node(int port, Role role, State state, int partition, int balance) {
  return {"a", port, role, state, PartitionId{partition}, balance, ThreadType{15 + port}};
}

NodeMap map_of(const std::vector<Node>& nodes) {
  NodeMap map;
  for (const auto& each : nodes) map.nodes.emplace(each.key(), each);
  map.next_thread_type = ThreadType{100};
  return map;
}

TEST(NodeMapViolations, AreNoneForReachableMaps) {
  EXPECT_THAT(violations(NodeMap{}), IsEmpty());
  EXPECT_THAT(violations(map_of({node(1, Role::master, State::active, 0, 1), node(2, Role::slave, State::prepare, 0, 0),
                                 node(3, Role::master, State::down, 1, 1), node(4, Role::master, State::active, 1, 1),
                                 node(5, Role::master, State::ready, 2, 1), node(6, Role::slave, State::active, 2, 3),
                                 node(7, Role::proxy, State::down, -1, 0)})),
              IsEmpty());
}

struct Case {
  const char* name;
  std::vector<Node> nodes;
  const char* sentence;
};

class BrokenMap : public testing::TestWithParam<Case> {};

TEST_P(BrokenMap, IsNamed) {
  EXPECT_THAT(violations(map_of(GetParam().nodes)), ElementsAre(HasSubstr(GetParam().sentence)));
}

INSTANTIATE_TEST_SUITE_P(
    Cluster_1, BrokenMap,
    testing::Values(
        Case{"ProxyWithPartition", {node(1, Role::proxy, State::active, 0, 0)}, "the proxy a:1 holds partition 0"},
        Case{"ProxyWithBalance", {node(1, Role::proxy, State::active, -1, 2)}, "with balance 2"},
        Case{"ProxyInPrepare", {node(1, Role::proxy, State::prepare, -1, 0)}, "is in state prepare"},
        Case{"SlaveDown",
             {node(1, Role::master, State::active, 0, 1), node(2, Role::slave, State::down, 0, 0)},
             "the slave a:2 is down"},
        Case{"SlaveWithoutMaster",
             {node(1, Role::master, State::active, 0, 1), node(2, Role::slave, State::active, 1, 0)},
             "which has no master"},
        Case{"NegativeBalance", {node(1, Role::master, State::active, 0, -1)}, "negative balance"},
        Case{"TwoLivingMasters",
             {node(1, Role::master, State::active, 0, 1), node(2, Role::master, State::active, 0, 1)},
             "more than one master"},
        Case{"Hole",
             {node(1, Role::master, State::active, 0, 1), node(2, Role::master, State::active, 2, 1)},
             "no partition 1"},
        Case{"PreparingIsNotNext",
             {node(1, Role::master, State::active, 0, 1), node(2, Role::master, State::prepare, 2, 1)},
             "but the next one is 1"}),
    [](const auto& each) { return each.param.name; });

NodeMap map_with_reign(Epoch epoch, std::set<NodeKey> in_sync) {
  auto map = map_of({node(1, Role::master, State::active, 0, 1), node(2, Role::slave, State::active, 0, 1)});
  map.version = MapVersion{5};
  map.reigns[PartitionId{0}] = {epoch, std::move(in_sync)};
  return map;
}

TEST(NodeMapViolations, NameWrongReigns) {
  const NodeKey a1{"a:1"};
  EXPECT_THAT(violations(map_with_reign(Epoch{5}, {a1})), IsEmpty());
  EXPECT_THAT(violations(map_with_reign(Epoch{6}, {a1})), ElementsAre(HasSubstr("has epoch 6")));
  EXPECT_THAT(violations(map_with_reign(Epoch{5}, {NodeKey{"a:2"}})), ElementsAre(HasSubstr("a:1 is not in sync")));
  EXPECT_THAT(violations(map_with_reign(Epoch{5}, {a1, NodeKey{"a:3"}})), ElementsAre(HasSubstr("a:3 is in sync")));
  auto map = map_with_reign(Epoch{5}, {a1});
  map.reigns[PartitionId{1}] = {};
  EXPECT_THAT(violations(map), ElementsAre(HasSubstr("no node holds partition 1")));
  map.reigns.erase(PartitionId{0});
  EXPECT_THAT(violations(map), testing::Contains(HasSubstr("partition 0 has no epoch")));
}

TEST(NodeMapViolations, NameWrongIdentities) {
  auto map = map_of({node(1, Role::proxy, State::active, -1, 0), node(2, Role::proxy, State::active, -1, 0)});
  map.nodes.at(NodeKey{"a:2"}).thread_type = ThreadType{16};
  EXPECT_THAT(violations(map), ElementsAre(HasSubstr("shares thread_type 16")));
  map.nodes.at(NodeKey{"a:2"}).thread_type = ThreadType{100};
  EXPECT_THAT(violations(map), ElementsAre(HasSubstr("thread_type 100")));
  map.nodes.at(NodeKey{"a:2"}).thread_type = ThreadType{17};
  map.nodes.at(NodeKey{"a:2"}).port = 3;
  EXPECT_THAT(violations(map), ElementsAre(HasSubstr("under the key a:2")));
}

}  // namespace
}  // namespace flare
