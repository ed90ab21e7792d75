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

// cluster.md 5.1: the prior list, while it is not empty, by weight.
TEST(ReadRoute, NearNodesAreDrawnWhileThereAreAny) {
  auto view = view_of({master, {2, Role::slave, State::active, 0, 2}, {4, Role::slave, State::active, 0, 0}, proxy}, 3);
  view.partitions.prefer([](const Node& node) { return node.port == 2 || node.port == 4; });
  for (std::uint32_t draw = 0; draw < 30; ++draw) EXPECT_EQ(port_of(view, route_read(view, "k", false, draw)), 2);
  EXPECT_EQ(port_of(view, route_read(view, "k", true, 0)), 1) << "what this connection wrote is at the master";
  view.partitions.prefer([](const Node& node) { return node.port == 4; });  // it has no balance
  int at_master = 0;
  for (std::uint32_t draw = 0; draw < 30; ++draw) at_master += port_of(view, route_read(view, "k", false, draw)) == 1;
  EXPECT_EQ(at_master, 10);
}

TEST(ReadRoute, AnotherReaderIsAnotherThanTheAskedOneAndThisNode) {
  const auto view = view_of({master, slave, proxy}, 3);
  const auto port_beside = [](const RoutingView& of, std::uint32_t node) {
    const auto other = another_reader(of, "k", node);
    return other ? of.partitions.nodes()[*other].port : 0;
  };
  EXPECT_EQ(port_beside(view, 0), 2);
  EXPECT_EQ(port_beside(view, 1), 1);
  EXPECT_EQ(port_beside(view_of({master, quiet_slave, proxy}, 3), 0), 0);
  EXPECT_EQ(port_beside(view_of({{1, Role::master, State::active, 0, 0}, slave, proxy}, 3), 1), 1);
  EXPECT_EQ(port_beside(view_of({master, slave}, 2), 0), 0) << "it would not have been asked elsewhere";
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

std::string key_that_moves(const RoutingView& view, bool moves) {
  for (int i = 0;; ++i) {
    const auto key = "key" + std::to_string(i);
    if ((view.partitions.future_partition_of(key) == PartitionId{1}) == moves) return key;
  }
}

// replication.md 7: even while the own map is old.
TEST(Handover, KeysThatMoveGoToTheNextMasterOnceTheyAreHandedOver) {
  for (const int own_port : {1, 3}) {
    auto view = view_of({master, {4, Role::master, State::ready, 1, 1}, proxy}, own_port);
    const auto moving = key_that_moves(view, true);
    const auto staying = key_that_moves(view, false);
    for (const bool handed_over : {false, true}) {
      view.handed_over = handed_over;
      for (const auto& [key, port] : {std::pair{moving, handed_over ? 4 : 1}, std::pair{staying, 1}}) {
        EXPECT_EQ(port_of(view, route_write(view, key, false)), port) << key;
        EXPECT_EQ(port_of(view, route_write(view, key, true)), port) << key;
        EXPECT_EQ(port_of(view, route_read(view, key, false, 1)), port) << key;
      }
    }
  }
}

TEST(Handover, WhatIsAskedOfANodeThatTakesOverWaitsThere) {
  auto view = view_of({master, {4, Role::master, State::active, 1, 1}}, 4);
  std::string own = "key0";
  for (int i = 1; view.partitions.partition_of(own) != PartitionId{1}; ++i) own = "key" + std::to_string(i);
  for (const bool taking_over : {true, false}) {
    view.taking_over = taking_over;
    const auto kind = taking_over ? Route::Kind::forward : Route::Kind::local;
    for (const auto& route :
         {route_write(view, own, false), route_write(view, own, true), route_read(view, own, false, 0)}) {
      EXPECT_EQ(route.kind, kind);
      EXPECT_EQ(route.node, *view.self);
    }
  }
}

// replication.md 10.
TEST(Departure, WritesAndReadsThatMustSeeThemWaitForTheNextMap) {
  auto view = view_of({master, slave}, 1);
  view.departing = true;
  EXPECT_EQ(route_write(view, "k", false).kind, Route::Kind::forward);
  EXPECT_EQ(route_write(view, "k", false).node, view.self);
  EXPECT_EQ(route_write(view, "k", true).kind, Route::Kind::forward);
  EXPECT_EQ(route_read(view, "k", true, 0).kind, Route::Kind::forward);
  EXPECT_EQ(route_read(view, "k", false, 0).kind, Route::Kind::local);
  auto relieved = view_of({{1, Role::proxy, State::active, -1, 0}, {2, Role::master, State::active, 0, 1}}, 1);
  relieved.departing = true;
  EXPECT_EQ(port_of(relieved, route_write(relieved, "k", false)), 2);
}

TEST(HopLimit, RefusesAFourthForwardAndWhatHasBeenHere) {
  EXPECT_TRUE(may_forward("", "o:9"));
  EXPECT_TRUE(may_forward("a:1,b:2,c:3", "o:9"));
  EXPECT_FALSE(may_forward("a:1,b:2,c:3,d:4", "o:9"));
  EXPECT_FALSE(may_forward("o:9", "o:9"));
  EXPECT_FALSE(may_forward("a:1,o:9,c:3", "o:9"));
  EXPECT_FALSE(may_forward("a:1,o:9", "o:9"));
  EXPECT_TRUE(may_forward("oo:9,o:99", "o:9"));
}

}  // namespace
}  // namespace flare
