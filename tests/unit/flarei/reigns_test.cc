// docs/replication.md 2, 8: epochs and in-sync sets through the changes of the map.
#include "flarei/reigns.h"

#include <gmock/gmock.h>

#include "flarei/node_event.h"
#include "flarei/role_change.h"
#include "unit/flarei/maps.h"

namespace flare::test {
namespace {

constexpr PartitionId p0{0};

NodeMap cluster(std::vector<Entry> entries, std::set<NodeKey> in_sync, Epoch epoch = Epoch{4}) {
  auto map = map_of(entries);
  map.reigns[p0] = {epoch, std::move(in_sync)};
  EXPECT_THAT(violations(map), testing::IsEmpty());
  return map;
}

PartitionReign reign_of(const Decision& decision) {
  EXPECT_TRUE(decision);
  if (!decision) return {};
  EXPECT_THAT(violations(*decision), testing::IsEmpty());
  const auto found = decision->reigns.find(p0);
  return found == decision->reigns.end() ? PartitionReign{} : found->second;
}

const std::vector<Entry> one_of_each{{1, master, active, 0, 1}, {2, slave, active, 0, 1}, {3, slave, prepare, 0, 0}};

TEST(Reigns, OfAnOriginalsFileAreTheMasterAndAllActiveSlavesAtTheMapsVersion) {
  const auto map = with_known_reigns(map_of(one_of_each));
  EXPECT_EQ(map.reigns.at(p0), (PartitionReign{Epoch{10}, {key(1), key(2)}}));
}

TEST(Reigns, KeepTheirEpochWhileMasterAndSetStay) {
  const auto map = cluster(one_of_each, {key(1), key(2)});
  const PartitionReign before{Epoch{4}, {key(1), key(2)}};
  EXPECT_EQ(reign_of(change_role(map, {key(2), slave, 5, p0, false}, 9)), before);
  EXPECT_EQ(reign_of(node_down(map, key(3))), before);
  EXPECT_EQ(reign_of(add_node(map, "n", 4)), before);
}

TEST(Reigns, LoseASlaveThatLeaves) {
  const auto map = cluster(one_of_each, {key(1), key(2)});
  const PartitionReign alone{Epoch{11}, {key(1)}};
  EXPECT_EQ(reign_of(node_down(map, key(2))), alone);
  EXPECT_EQ(reign_of(change_role(map, {key(2), proxy, -1, no_partition, false}, 9)), alone);
}

TEST(Reigns, GainASlaveThatBecomesActive) {
  const auto map = cluster(one_of_each, {key(1), key(2)});
  EXPECT_EQ(reign_of(node_up(map, key(3), SlaveBuild::complete)),
            (PartitionReign{Epoch{11}, {key(1), key(2), key(3)}}));
}

TEST(Reigns, OfAPromotedSlaveKeepTheOthersAndDropTheOldMaster) {
  auto entries = one_of_each;
  entries[2] = {3, slave, active, 0, 3};
  const auto map = cluster(entries, {key(1), key(2), key(3)});
  EXPECT_EQ(reign_of(node_down(map, key(1))), (PartitionReign{Epoch{11}, {key(2), key(3)}}));
}

TEST(Reigns, ChangeTheirEpochWhenAMasterGoesAndWhenItReturns) {
  const auto map = cluster({{1, master, active, 0, 1}}, {key(1)});
  const auto down_map = node_down(map, key(1));
  EXPECT_EQ(reign_of(down_map), (PartitionReign{Epoch{11}, {key(1)}}));
  EXPECT_EQ(reign_of(node_up(*down_map, key(1), SlaveBuild::unproven)), (PartitionReign{Epoch{12}, {key(1)}}));
}

TEST(Reigns, OfATakenOverPartitionBeginWithTheNewMasterAlone) {
  const auto map = cluster({{1, master, down, 0, 1}, {2, proxy, active}, {3, slave, active, 0, 1}}, {key(1)});
  EXPECT_EQ(reign_of(change_role(map, {key(2), master, 1, p0, true}, 9)), (PartitionReign{Epoch{11}, {key(2)}}));
}

TEST(Failover, PassesOverASlaveThatIsNotInSync) {
  auto entries = one_of_each;
  entries[1].balance = 9;
  entries[2] = {3, slave, active, 0, 1};
  const auto changed = node_down(cluster(entries, {key(1), key(3)}), key(1));
  EXPECT_EQ(reign_of(changed), (PartitionReign{Epoch{11}, {key(3)}}));
  EXPECT_EQ(changed->nodes.at(key(3)).role, Role::master);
  EXPECT_EQ(changed->nodes.at(key(2)).role, Role::slave);
}

TEST(Failover, LeavesAPartitionWithoutASlaveInSyncToItsMaster) {
  const auto changed = node_down(cluster(one_of_each, {key(1)}), key(1));
  EXPECT_EQ(reign_of(changed), (PartitionReign{Epoch{11}, {key(1)}}));
  EXPECT_EQ(changed->nodes.at(key(1)).state, State::down);
  EXPECT_EQ(changed->nodes.at(key(1)).role, Role::master);
  EXPECT_EQ(changed->nodes.at(key(2)).role, Role::slave);
}

TEST(Failover, GoesToTheSuccessorThatWasChosenIfItMayFollow) {
  auto entries = one_of_each;
  entries[1].balance = 9;
  entries[2] = {3, slave, active, 0, 1};
  const auto map = cluster(entries, {key(1), key(2), key(3)});
  EXPECT_EQ(node_down(map, key(1), key(3))->nodes.at(key(3)).role, Role::master);
  EXPECT_EQ(node_down(map, key(1), key(7))->nodes.at(key(1)).role, Role::master) << "preserved: nobody else was chosen";
}

TEST(InSync, IsSetAndUnsetByTheMastersWord) {
  const auto map = cluster(one_of_each, {key(1), key(2)});
  EXPECT_EQ(reign_of(set_in_sync(map, key(3), Epoch{4}, true)), (PartitionReign{Epoch{11}, {key(1), key(2), key(3)}}));
  EXPECT_EQ(reign_of(set_in_sync(map, key(2), Epoch{4}, false)), (PartitionReign{Epoch{11}, {key(1)}}));
  EXPECT_EQ(set_in_sync(map, key(2), Epoch{4}, true)->version, map.version) << "it is, nothing changes";
}

TEST(InSync, IsRefusedWithTheReason) {
  const auto map = cluster(one_of_each, {key(1), key(2)});
  EXPECT_EQ(set_in_sync(map, key(3), Epoch{3}, true).error(), Refusal::epoch_moved);
  EXPECT_EQ(set_in_sync(map, key(3), Epoch{5}, true).error(), Refusal::epoch_moved);
  EXPECT_EQ(set_in_sync(map, key(1), Epoch{4}, false).error(), Refusal::state_not_settable);
  EXPECT_EQ(set_in_sync(map, key(9), Epoch{4}, true).error(), Refusal::unknown_node);
  const auto headless = cluster({{1, master, down, 0, 1}, {2, slave, active, 0, 1}}, {key(1)});
  EXPECT_EQ(set_in_sync(headless, key(2), Epoch{4}, true).error(), Refusal::no_master);
}

TEST(Reigns, BeginWithThePartition) {
  const auto map = map_of({{2, proxy, active}});
  EXPECT_EQ(reign_of(change_role(map, {key(2), master, 1, p0, false}, 9)), (PartitionReign{Epoch{11}, {key(2)}}));
}

TEST(Reigns, EndWithThePartition) {
  auto map = map_of({{1, master, active, 0, 1}, {2, master, prepare, 1, 1}, {3, slave, prepare, 1, 0}});
  map = with_known_reigns(map);
  const auto cancelled = change_role(map, {key(2), proxy, -1, no_partition, false}, 9);
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->reigns.size(), 1U);
  EXPECT_THAT(violations(*cancelled), testing::IsEmpty());
}

}  // namespace
}  // namespace flare::test
