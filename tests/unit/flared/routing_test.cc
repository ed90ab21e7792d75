#include "flared/routing.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace flare {
namespace {

struct NodeSpec {
  int port;
  Role role;
  State state;
  int partition;
  int balance;
};

RoutingView view_of(std::initializer_list<NodeSpec> specs, int own_port) {
  RoutingView view;
  int thread_type = 16;
  for (const auto& spec : specs) {
    Node node{
        "h", spec.port, spec.role, spec.state, PartitionId{spec.partition}, spec.balance, ThreadType{thread_type++}};
    view.map.nodes.emplace(node.key(), node);
  }
  view.partitions = *PartitionMap::make(view.map, PartitionMeta{}, KeyHashAlgorithm::simple);
  const auto& nodes = view.partitions.nodes();
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].port == own_port) view.self = i;
  }
  return view;
}

int port_of(const RoutingView& view, const Route& route) { return view.partitions.nodes()[route.node].port; }

constexpr NodeSpec master{1, Role::master, State::active, 0, 1};
constexpr NodeSpec slave{2, Role::slave, State::active, 0, 1};
constexpr NodeSpec quiet_slave{2, Role::slave, State::active, 0, 0};
constexpr NodeSpec preparing_slave{2, Role::slave, State::prepare, 0, 0};
constexpr NodeSpec proxy{3, Role::proxy, State::active, -1, 0};

TEST(ReadRoute, WithoutPartitionGoesNowhere) {
  EXPECT_EQ(route_read(view_of({proxy}, 3), "k", false, 0).kind, Route::Kind::nowhere);
}

TEST(ReadRoute, MasterAnswersItselfEvenWithBalanceZero) {
  const auto view = view_of({{1, Role::master, State::active, 0, 0}, slave}, 1);
  EXPECT_EQ(route_read(view, "k", false, 7).kind, Route::Kind::local);
}

TEST(ReadRoute, SlaveWithBalanceAnswersItself) {
  EXPECT_EQ(route_read(view_of({master, slave}, 2), "k", false, 0).kind, Route::Kind::local);
}

TEST(ReadRoute, SlaveWithoutBalanceAsksTheMaster) {
  for (const auto& spec : {quiet_slave, preparing_slave}) {
    const auto view = view_of({master, spec}, 2);
    const auto route = route_read(view, "k", false, 5);
    EXPECT_EQ(route.kind, Route::Kind::forward);
    EXPECT_EQ(port_of(view, route), 1);
  }
}

// docs/design.md 3.6: it serves a salvaged store, and its master has everything.
TEST(ReadRoute, ActiveSlaveThatIsNotBuiltAsksTheMaster) {
  auto view = view_of({master, slave}, 2);
  view.build_incomplete = true;
  for (std::uint32_t draw = 0; draw < 8; ++draw) EXPECT_EQ(port_of(view, route_read(view, "k", false, draw)), 1);
}

TEST(ReadRoute, ProxyDrawsByWeight) {
  const auto view = view_of({master, {2, Role::slave, State::active, 0, 2}, proxy}, 3);
  int at_master = 0;
  for (std::uint32_t draw = 0; draw < 300; ++draw) at_master += port_of(view, route_read(view, "k", false, draw)) == 1;
  EXPECT_EQ(at_master, 100);
}

TEST(ReadRoute, AfterAForwardedWriteOnlyTheMasterIsAsked) {
  const auto view = view_of({master, slave, proxy}, 3);
  for (std::uint32_t draw = 0; draw < 8; ++draw) EXPECT_EQ(port_of(view, route_read(view, "k", true, draw)), 1);
  EXPECT_EQ(route_read(view_of({master, slave}, 2), "k", true, 0).kind, Route::Kind::forward);
}

// cluster.md 9.11
TEST(ReadRoute, BalancesThatSumToZeroDoNotHideALiveMaster) {
  const auto view = view_of({{1, Role::master, State::active, 0, 0}, proxy}, 3);
  const auto route = route_read(view, "k", false, 0);
  EXPECT_EQ(route.kind, Route::Kind::forward);
  EXPECT_EQ(port_of(view, route), 1);
}

TEST(ReadRoute, PreservedPartitionHasNobody) {
  const auto view = view_of({{1, Role::master, State::down, 0, 1}, proxy}, 3);
  EXPECT_EQ(route_read(view, "k", false, 0).kind, Route::Kind::no_node);
}

TEST(WriteRoute, FollowsTheTableOfChapter52) {
  EXPECT_EQ(route_write(view_of({proxy}, 3), "k", false).kind, Route::Kind::nowhere);
  EXPECT_EQ(route_write(view_of({master, slave}, 1), "k", false).kind, Route::Kind::local);
  EXPECT_EQ(route_write(view_of({{1, Role::master, State::down, 0, 1}, proxy}, 3), "k", false).kind,
            Route::Kind::no_node);
  for (const bool proxied : {false, true}) {  // replication.md 5: a prefix alone makes no replication
    const auto view = view_of({master, slave, proxy}, 2);
    const auto route = route_write(view, "k", proxied);
    EXPECT_EQ(route.kind, Route::Kind::forward);
    EXPECT_EQ(port_of(view, route), 1);
  }
}

TEST(WriteRoute, PreparingMasterExecutesWhatThePresentOnePassesOn) {
  const auto view = view_of({master, {4, Role::master, State::prepare, 1, 1}}, 4);
  std::string moving;
  for (int i = 0; moving.empty(); ++i) {
    const auto key = "key" + std::to_string(i);
    if (view.partitions.future_partition_of(key) == PartitionId{1}) moving = key;
  }
  EXPECT_EQ(route_write(view, moving, true).kind, Route::Kind::local);
  EXPECT_EQ(route_write(view, moving, false).kind, Route::Kind::forward);
}

TEST(HopLimit, RefusesAFourthForward) {
  EXPECT_TRUE(may_forward(""));
  EXPECT_TRUE(may_forward("a:1,b:2,c:3"));
  EXPECT_FALSE(may_forward("a:1,b:2,c:3,d:4"));
}

}  // namespace
}  // namespace flare
