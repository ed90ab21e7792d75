#include "flarei/node_event.h"

#include <gmock/gmock.h>

#include <functional>
#include <optional>
#include <ostream>
#include <random>

#include "flarei/map_query.h"
#include "flarei/reigns.h"
#include "flarei/role_change.h"
#include "unit/flarei/maps.h"

namespace flare::test {
namespace {

enum class Event { down, up, up_confirmed, ready, remove, restart };

Decision decide(const NodeMap& map, Event event) {
  switch (event) {
    case Event::down:
      return node_down(map, key(1));
    case Event::up:
      return node_up(map, key(1), SlaveBuild::unproven);
    case Event::up_confirmed:
      return node_up(map, key(1), SlaveBuild::complete);
    case Event::ready:
      return node_ready(map, key(1));
    case Event::remove:
      return remove_node(map, key(1));
    case Event::restart:
      return restart_node(map, key(1));
  }
  return Refusal::unknown_node;
}

/// A row of docs/spec/cluster.md 1.5, 4.3, 4.4 or 4.5: what happens to node 1.
struct Row {
  const char* name;
  Event event;
  std::vector<Entry> before;
  std::variant<Refusal, std::vector<Entry>> after;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class NodeEvent : public testing::TestWithParam<Row> {};

TEST_P(NodeEvent, FollowsTheTable) {
  const auto& row = GetParam();
  const auto map = map_of(row.before);
  ASSERT_THAT(violations(map), testing::IsEmpty());
  const auto changed = decide(map, row.event);
  if (const auto* refusal = std::get_if<Refusal>(&row.after)) {
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error(), *refusal);
    return;
  }
  ASSERT_TRUE(changed) << to_text(changed.error());
  const auto& after = std::get<std::vector<Entry>>(row.after);
  EXPECT_EQ(entries_of(*changed), after);
  EXPECT_EQ(changed->version > map.version, after != row.before || row.event == Event::restart);
  EXPECT_THAT(violations(*changed), testing::IsEmpty());
}

using Entries = std::vector<Entry>;
const Entry base{9, master, active, 0, 1};

INSTANTIATE_TEST_SUITE_P(
    Down_4_3, NodeEvent,
    testing::Values(
        Row{"AlreadyDown", Event::down, {{1, proxy, down}}, Entries{{1, proxy, down}}},
        Row{"Proxy", Event::down, {{1, proxy, active}}, Entries{{1, proxy, down}}},
        Row{"Slave", Event::down, {{1, slave, active, 0, 2}, base}, Entries{{1, proxy, down}, base}},
        Row{"PreparingSlave", Event::down, {{1, slave, prepare, 0, 0}, base}, Entries{{1, proxy, down}, base}},
        Row{"FailoverPicksTheLargestBalance",
            Event::down,
            {{1, master, active, 0, 1}, {2, slave, active, 0, 1}, {3, slave, active, 0, 2}},
            Entries{{1, proxy, down}, {2, slave, active, 0, 1}, {3, master, active, 0, 2}}},
        Row{"FailoverPicksTheFirstOfEquals",
            Event::down,
            {{1, master, active, 0, 1}, {2, slave, active, 0, 2}, {3, slave, active, 0, 2}},
            Entries{{1, proxy, down}, {2, master, active, 0, 2}, {3, slave, active, 0, 2}}},
        Row{"FailoverRaisesAZeroBalance",
            Event::down,
            {{1, master, active, 0, 1}, {2, slave, active, 0, 0}, {3, slave, active, 0, 0}},
            Entries{{1, proxy, down}, {2, master, active, 0, 1}, {3, slave, active, 0, 0}}},
        Row{"FailoverPassesPreparingSlavesBy",
            Event::down,
            {{1, master, active, 0, 1}, {2, slave, prepare, 0, 0}, {3, slave, active, 0, 1}},
            Entries{{1, proxy, down}, {2, slave, prepare, 0, 0}, {3, master, active, 0, 1}}},
        Row{"PreservedWithoutSlave", Event::down, {{1, master, active, 0, 2}}, Entries{{1, master, down, 0, 2}}},
        Row{"PreservedWithPreparingSlaveOnly",
            Event::down,
            {{1, master, active, 0, 2}, {2, slave, prepare, 0, 0}},
            Entries{{1, master, down, 0, 2}, {2, slave, prepare, 0, 0}}},
        Row{"SlaveOfAnotherPartitionIsNoSuccessor",
            Event::down,
            {{1, master, active, 1, 2}, {2, slave, active, 0, 1}, base},
            Entries{{1, master, down, 1, 2}, {2, slave, active, 0, 1}, base}},
        Row{"PreparingMasterCancelsTheSplit",
            Event::down,
            {{1, master, prepare, 1, 1}, {2, slave, prepare, 1, 3}, base},
            Entries{{1, proxy, down}, {2, proxy, active}, base}},
        Row{"ReadyMasterCancelsTheSplit",
            Event::down,
            {{1, master, ready, 1, 1}, {2, slave, active, 1, 3}, base},
            Entries{{1, proxy, down}, {2, proxy, active}, base}},
        Row{"Unknown", Event::down, {}, Refusal::unknown_node}));

INSTANTIATE_TEST_SUITE_P(
    Up_4_4, NodeEvent,
    testing::Values(
        Row{"Active", Event::up, {{1, proxy, active}}, Entries{{1, proxy, active}}},
        Row{"ReadyMaster", Event::up, {{1, master, ready, 1, 1}, base}, Entries{{1, master, active, 1, 1}, base}},
        Row{"PreparingMaster", Event::up, {{1, master, prepare, 1, 1}, base}, Refusal::master_not_ready},
        Row{"PreparingMasterEvenIfConfirmed",
            Event::up_confirmed,
            {{1, master, prepare, 1, 1}, base},
            Refusal::master_not_ready},
        Row{"CompleteSlave",
            Event::up_confirmed,
            {{1, slave, prepare, 0, 0}, base},
            Entries{{1, slave, active, 0, 0}, base}},
        Row{"IncompleteSlave", Event::up, {{1, slave, prepare, 0, 0}, base}, Refusal::not_confirmed},
        Row{"CompleteReadySlave",
            Event::up_confirmed,
            {{1, slave, ready, 0, 0}, base},
            Entries{{1, slave, active, 0, 0}, base}},
        Row{"IncompleteReadySlave", Event::up, {{1, slave, ready, 0, 0}, base}, Refusal::not_confirmed},
        Row{"CompleteSlaveOfAPreparingMaster",
            Event::up_confirmed,
            {{1, slave, prepare, 1, 2}, {2, master, prepare, 1, 1}, base},
            Entries{{1, slave, active, 1, 2}, {2, master, prepare, 1, 1}, base}},
        Row{"DownProxy", Event::up, {{1, proxy, down}}, Entries{{1, proxy, active}}},
        Row{"PreservedMaster", Event::up, {{1, master, down, 0, 2}}, Entries{{1, master, active, 0, 2}}},
        Row{"PreservedMasterBesideItsSuccessor",
            Event::up,
            {{1, master, down, 0, 2}, {2, master, active, 0, 1}},
            Entries{{1, proxy, active}, {2, master, active, 0, 1}}},
        Row{"PreservedMasterBesideADeadSuccessor",
            Event::up,
            {{1, master, down, 0, 2}, {2, master, down, 0, 1}},
            Entries{{1, master, active, 0, 2}, {2, master, down, 0, 1}}},
        // cluster.md 9.7: in the original the preparing slave displaced it.
        Row{"PreservedMasterBesideAPreparingSlave",
            Event::up,
            {{1, master, down, 0, 2}, {2, slave, prepare, 0, 0}},
            Entries{{1, master, active, 0, 2}, {2, slave, prepare, 0, 0}}},
        Row{"PreservedMasterBesideAnActiveSlave",
            Event::up,
            {{1, master, down, 0, 2}, {2, slave, active, 0, 1}},
            Entries{{1, master, active, 0, 2}, {2, slave, active, 0, 1}}},
        Row{"Unknown", Event::up, {}, Refusal::unknown_node}));

INSTANTIATE_TEST_SUITE_P(
    Ready_1_5, NodeEvent,
    testing::Values(
        Row{"PreparingMaster",
            Event::ready,
            {{1, master, prepare, 1, 1}, base},
            Entries{{1, master, ready, 1, 1}, base}},
        Row{"PreparingSlave", Event::ready, {{1, slave, prepare, 0, 0}, base}, Entries{{1, slave, ready, 0, 0}, base}},
        Row{"ReadyMaster", Event::ready, {{1, master, ready, 1, 1}, base}, Refusal::not_preparing},
        Row{"Active", Event::ready, {{1, proxy, active}}, Refusal::not_preparing},
        Row{"Down", Event::ready, {{1, proxy, down}}, Refusal::not_preparing},
        Row{"Unknown", Event::ready, {}, Refusal::unknown_node}));

INSTANTIATE_TEST_SUITE_P(
    Remove_4_5, NodeEvent,
    testing::Values(Row{"DownProxy", Event::remove, {{1, proxy, down}}, Entries{}},
                    Row{"Active", Event::remove, {{1, proxy, active}}, Refusal::not_down},
                    Row{"PreservedMaster", Event::remove, {{1, master, down, 0, 1}}, Refusal::only_copy},
                    Row{"PreservedMasterWithSuccessor",
                        Event::remove,
                        {{1, master, down, 0, 1}, {2, master, active, 0, 1}},
                        Entries{{2, master, active, 0, 1}}},
                    Row{"PreservedMasterWithDeadSuccessor",
                        Event::remove,
                        {{1, master, down, 0, 1}, {2, master, down, 0, 1}},
                        Refusal::only_copy},
                    // cluster.md 9.7: what prepares cannot stand in for the data of a dead master.
                    Row{"PreservedMasterWithPreparingSlave",
                        Event::remove,
                        {{1, master, down, 0, 1}, {2, slave, prepare, 0, 0}},
                        Refusal::only_copy},
                    Row{"Unknown", Event::remove, {}, Refusal::unknown_node}));

INSTANTIATE_TEST_SUITE_P(
    Restart_9_15, NodeEvent,
    testing::Values(Row{"Proxy", Event::restart, {{1, proxy, active}}, Entries{{1, proxy, active}}},
                    Row{"Slave", Event::restart, {{1, slave, active, 0, 2}, base}, Entries{{1, proxy, active}, base}},
                    Row{"OnlyMasterKeepsItsPartition",
                        Event::restart,
                        {{1, master, active, 0, 2}},
                        Entries{{1, master, active, 0, 2}}},
                    Row{"MasterWithSlaveFailsOver",
                        Event::restart,
                        {{1, master, active, 0, 2}, {2, slave, active, 0, 1}},
                        Entries{{1, proxy, active}, {2, master, active, 0, 1}}},
                    Row{"Unknown", Event::restart, {}, Refusal::unknown_node}));

TEST(NodeAdd, MakesAnActiveProxyWithTheNextNumber) {
  const auto added = add_node(map_of({base}), "n", 1);
  ASSERT_TRUE(added);
  EXPECT_EQ(entries_of(*added), (Entries{{1, proxy, active}, base}));
  EXPECT_EQ(added->nodes.at(key(1)).thread_type, ThreadType{50});
  EXPECT_EQ(added->next_thread_type, ThreadType{51});
  EXPECT_EQ(added->version, MapVersion{11});
}

TEST(NodeAdd, OfADownNodeOnlyRaisesTheVersion) {
  const auto map = map_of({{1, proxy, down}});
  const auto added = add_node(map, "n", 1);
  ASSERT_TRUE(added);
  EXPECT_EQ(added->nodes, map.nodes);
  EXPECT_EQ(added->next_thread_type, map.next_thread_type);
  EXPECT_EQ(added->version, MapVersion{11});
}

TEST(NodeAdd, OfAnyOtherStateIsRefused) {
  for (const auto& entry : {Entry{1, proxy, active}, Entry{1, master, active, 0, 1}, Entry{1, slave, prepare, 0, 0}}) {
    const auto added = add_node(map_of({entry}), "n", 1);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error(), Refusal::already_known);
  }
}

TEST(NodeAdd, TakesNoNameThatAMapCannotHold) {
  for (const auto& name : {std::string{}, std::string{"a b"}, std::string{"a\tb"}, std::string(256, 'a')}) {
    const auto added = add_node(map_of({}), name, 1);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error(), Refusal::bad_name);
  }
  EXPECT_FALSE(add_node(map_of({}), "a", 0));
  EXPECT_FALSE(add_node(map_of({}), "a", 65536));
}

TEST(NodeAdd, NeverUsesANumberTwice) {
  auto map = *add_node(NodeMap{}, "n", 1);
  map = *remove_node(*node_down(map, key(1)), key(1));
  map = *add_node(map, "n", 2);
  EXPECT_EQ(map.nodes.at(key(2)).thread_type, ThreadType{17});
}

/// Any request or event for any of a few nodes.
Decision random_step(const NodeMap& map, std::mt19937& random) {
  const auto pick = [&random](int low, int high) { return std::uniform_int_distribution{low, high}(random); };
  const auto node = key(pick(1, 6));
  switch (pick(0, 11)) {
    case 0:
      return add_node(map, "n", pick(1, 6));
    case 1:
      return node_down(map, node);
    case 2:
      return node_up(map, node, SlaveBuild::complete);
    case 3:
      return node_up(map, node, SlaveBuild::unproven);
    case 4:
      return node_ready(map, node);
    case 5:
      return remove_node(map, node);
    case 6:
      return restart_node(map, node, key(pick(1, 6)));
    case 7:
      return node_down(map, node, key(pick(1, 6)));
    case 8: {
      const auto found = map.nodes.find(node);
      if (found == map.nodes.end()) return Refusal::unknown_node;
      return set_in_sync(map, node, reign_of(map, found->second.partition).epoch, pick(0, 1) == 1);
    }
    default: {
      const RoleRequest request{node, Role{static_cast<std::uint8_t>(pick(0, 2))}, pick(-1, 3),
                                PartitionId{pick(-1, 3)}, pick(0, 1) == 1};
      return change_role(map, request, 4);
    }
  }
}

/// The rules of docs/replication.md 2 and 8 that lie between two maps.
void expect_lawful_reigns(const NodeMap& before, const NodeMap& after) {
  for (const auto& [partition, now] : after.reigns) {
    const auto found = before.reigns.find(partition);
    if (found == before.reigns.end()) continue;
    const auto& old = found->second;
    const auto* old_leader = living_master(before, partition);
    const auto* leader = living_master(after, partition);
    const bool same_leader = (old_leader ? old_leader->key() : NodeKey{}) == (leader ? leader->key() : NodeKey{});
    const bool changed = !same_leader || now.in_sync != old.in_sync;
    // A restart is two changes in one: what it ends with may be what it began with.
    const bool is_new = raw(now.epoch) > raw(before.version);
    EXPECT_TRUE(is_new || (!changed && now.epoch == old.epoch));
    if (leader && old_leader && !same_leader) {
      EXPECT_TRUE(old.in_sync.contains(leader->key())) << leader->key().text << " was promoted out of sync";
    }
  }
}

TEST(RandomSteps, NeverLeaveABrokenMap) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random{seed};
    NodeMap map;
    int accepted = 0;
    for (int step = 0; step < 3000; ++step) {
      auto decision = random_step(map, random);
      if (!decision) continue;
      EXPECT_GE(decision->version, map.version);
      EXPECT_EQ(decision->version == map.version, *decision == map);
      expect_lawful_reigns(map, *decision);
      map = std::move(*decision);
      accepted += 1;
      ASSERT_THAT(violations(map), testing::IsEmpty()) << "seed " << seed << ", step " << step;
    }
    EXPECT_GT(accepted, 500);
  }
}

}  // namespace
}  // namespace flare::test
