#include "common/cluster/partition_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace flare {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct NodeRow {
  const char* name;
  Role role;
  State state;
  int partition;
  int balance;
};

NodeMap map_of(const std::vector<NodeRow>& rows) {
  NodeMap map;
  for (const auto& row : rows) {
    Node node{row.name, 1, row.role, row.state, PartitionId{row.partition}, row.balance, map.next_thread_type};
    map.next_thread_type = next(map.next_thread_type);
    map.nodes.emplace(node.key(), node);
  }
  return map;
}

Result<PartitionMap, PartitionMap::Error> make(const std::vector<NodeRow>& rows, const PartitionMeta& meta = {}) {
  return PartitionMap::make(map_of(rows), meta, KeyHashAlgorithm::simple);
}

std::vector<std::string> names(const PartitionMap& map, const std::vector<std::uint32_t>& indexes) {
  std::vector<std::string> found;
  for (const auto index : indexes) found.push_back(map.nodes()[index].server_name);
  return found;
}

std::string master_name(const PartitionMap& map, const Partition& partition) {
  return partition.master ? map.nodes()[*partition.master].server_name : "-";
}

TEST(PartitionMap, IsEmptyWithoutNodesOrMasters) {
  for (const auto& rows : std::vector<std::vector<NodeRow>>{
           {},
           {{"p", Role::proxy, State::active, -1, 0}},
           {{"s", Role::slave, State::active, 0, 1}},  // a slave of a partition that is not there
       }) {
    const auto map = make(rows);
    ASSERT_TRUE(map);
    EXPECT_THAT(map->active(), IsEmpty());
    EXPECT_FALSE(map->prepare());
    EXPECT_EQ(map->partition_of("k"), no_partition);
    EXPECT_EQ(map->future_partition_of("k"), no_partition);
  }
  EXPECT_EQ(PartitionMap{}.partition_of("k"), no_partition);
}

TEST(PartitionMap, ListsMasterSlavesAndReadableNodesByBalance) {
  const auto map = make({{"a", Role::slave, State::active, 0, 2},
                         {"b", Role::master, State::active, 0, 1},
                         {"c", Role::slave, State::prepare, 0, 5},
                         {"d", Role::slave, State::down, 0, 5},
                         {"e", Role::slave, State::active, 0, 0},
                         {"f", Role::proxy, State::active, -1, 0}});
  ASSERT_TRUE(map);
  ASSERT_EQ(map->active().size(), 1u);
  const auto& partition = map->active()[0];
  EXPECT_EQ(master_name(*map, partition), "b");
  EXPECT_THAT(names(*map, partition.slaves), ElementsAre("a", "c", "e"));
  EXPECT_THAT(names(*map, partition.readable), ElementsAre("a", "a", "b"));
  EXPECT_EQ(map->partition_of("k"), PartitionId{0});
}

TEST(PartitionMap, KeepsAPreservedPartitionWithoutMaster) {
  const auto map = make({{"a", Role::master, State::down, 0, 3}, {"b", Role::slave, State::prepare, 0, 1}});
  ASSERT_TRUE(map);
  ASSERT_EQ(map->active().size(), 1u);
  EXPECT_EQ(master_name(*map, map->active()[0]), "-");
  EXPECT_THAT(names(*map, map->active()[0].slaves), ElementsAre("b"));
  EXPECT_THAT(map->active()[0].readable, IsEmpty());
  EXPECT_EQ(map->partition_of("k"), PartitionId{0});
}

// cluster.md 1.4, proxy -> master with p < N: the dead master keeps its entry beside the new one.
TEST(PartitionMap, PrefersTheActiveMasterToADownOneOfTheSamePartition) {
  for (const auto& rows : std::vector<std::vector<NodeRow>>{
           {{"a", Role::master, State::down, 0, 3}, {"b", Role::master, State::active, 0, 1}},
           {{"b", Role::master, State::active, 0, 1}, {"c", Role::master, State::down, 0, 3}},
       }) {
    const auto map = make(rows);
    ASSERT_TRUE(map);
    EXPECT_EQ(master_name(*map, map->active().at(0)), "b");
  }
}

TEST(PartitionMap, CountsThePreparingPartitionOnlyForTheFuture) {
  for (const auto state : {State::prepare, State::ready}) {
    const auto map = make({{"a", Role::master, State::active, 0, 1},
                           {"b", Role::master, state, 1, 1},
                           {"c", Role::slave, State::active, 1, 2}});
    ASSERT_TRUE(map);
    EXPECT_EQ(map->active().size(), 1u);
    ASSERT_TRUE(map->prepare());
    EXPECT_EQ(master_name(*map, *map->prepare()), "b");
    EXPECT_THAT(names(*map, map->prepare()->slaves), ElementsAre("c"));
    EXPECT_THAT(names(*map, map->prepare()->readable), ElementsAre("c", "c"));
    EXPECT_EQ(map->partition_of("a"), PartitionId{0});
    EXPECT_EQ(map->future_partition_of("a"), PartitionId{0});  // slot 97 of row 2
    EXPECT_EQ(map->future_partition_of("b"), PartitionId{1});  // slot 98
  }
}

TEST(PartitionMap, PreparesPartitionZeroInAnEmptyCluster) {
  const auto map = make({{"a", Role::master, State::ready, 0, 1}});
  ASSERT_TRUE(map);
  EXPECT_EQ(map->partition_of("k"), no_partition);
  EXPECT_EQ(map->future_partition_of("k"), PartitionId{0});
}

struct BrokenCase {
  const char* name;
  std::vector<NodeRow> rows;
  int partition_size;
  PartitionMap::Error error;
};

class BrokenPartitionMap : public testing::TestWithParam<BrokenCase> {};

TEST_P(BrokenPartitionMap, IsRefused) {
  const auto map = make(GetParam().rows, PartitionMeta{.partition_size = GetParam().partition_size});
  ASSERT_FALSE(map);
  EXPECT_EQ(map.error(), GetParam().error);
}

using Error = PartitionMap::Error;
INSTANTIATE_TEST_SUITE_P(
    Cluster_2_3, BrokenPartitionMap,
    testing::Values(
        BrokenCase{"TwoPreparing",
                   {{"a", Role::master, State::active, 0, 1},
                    {"b", Role::master, State::prepare, 1, 1},
                    {"c", Role::master, State::ready, 2, 1}},
                   1024,
                   Error::two_prepare_partitions},
        BrokenCase{"Hole",
                   {{"a", Role::master, State::active, 0, 1}, {"b", Role::master, State::active, 2, 1}},
                   1024,
                   Error::hole_in_active_map},
        BrokenCase{"NoZero", {{"a", Role::master, State::down, 1, 1}}, 1024, Error::hole_in_active_map},
        BrokenCase{"NegativePartition", {{"a", Role::master, State::active, -2, 1}}, 1024, Error::hole_in_active_map},
        BrokenCase{"PrepareNotNext",
                   {{"a", Role::master, State::active, 0, 1}, {"b", Role::master, State::prepare, 2, 1}},
                   1024,
                   Error::prepare_not_next},
        BrokenCase{"PrepareOfAnActiveOne",
                   {{"a", Role::master, State::active, 0, 1}, {"b", Role::master, State::prepare, 0, 1}},
                   1024,
                   Error::prepare_not_next},
        BrokenCase{"NoRowForSoMany",
                   {{"a", Role::master, State::active, 0, 1}, {"b", Role::master, State::active, 1, 1}},
                   2,
                   Error::too_many_partitions},
        BrokenCase{"NoRowForThePreparingOne",
                   {{"a", Role::master, State::active, 0, 1}, {"b", Role::master, State::prepare, 1, 1}},
                   2,
                   Error::too_many_partitions},
        BrokenCase{"PartitionSizeOne", {{"a", Role::master, State::active, 0, 1}}, 1, Error::too_many_partitions}),
    [](const auto& row) { return row.param.name; });

TEST(PartitionMap, BoundsTheReadableListOfHugeBalances) {
  const auto map = make({{"a", Role::master, State::active, 0, 2'000'000'000},
                         {"b", Role::slave, State::active, 0, 1'000'000'000},
                         {"c", Role::slave, State::active, 0, 1}});
  ASSERT_TRUE(map);
  const auto readable = names(*map, map->active()[0].readable);
  EXPECT_LE(readable.size(), 4097u);
  const auto count = [&](const char* name) { return std::count(readable.begin(), readable.end(), name); };
  EXPECT_NEAR(static_cast<double>(count("a")) / static_cast<double>(count("b")), 2.0, 0.01);
  EXPECT_EQ(count("c"), 1);
}

}  // namespace
}  // namespace flare
