#include "flared/replication/version_floor.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

const NodeKey own{"a:1"};

NodeMap map_of(Role own_role, Role other_role, int other_partition = 0) {
  NodeMap map;
  map.nodes[own] = {"a", 1, own_role, State::active, PartitionId{0}, 1, ThreadType{16}};
  map.nodes[NodeKey{"b:1"}] = {"b", 1, other_role, State::active, PartitionId{other_partition}, 1, ThreadType{17}};
  return map;
}

TEST(VersionFloor, IsTheEpochAboveFortyBits) {
  EXPECT_EQ(version_floor(Epoch{5}), RecordVersion{5ULL << 40});
  EXPECT_EQ(version_floor(Epoch{1ULL << 50}), RecordVersion{((1ULL << 24) - 1) << 40});
}

TEST(TakingOver, IsToLeadWhatAnotherLed) {
  const auto leads = map_of(Role::master, Role::proxy);
  EXPECT_TRUE(takes_over(map_of(Role::slave, Role::master), leads, own));
  EXPECT_TRUE(takes_over(map_of(Role::proxy, Role::master), leads, own));
  EXPECT_FALSE(takes_over(map_of(Role::proxy, Role::proxy), leads, own)) << "the first master";
  EXPECT_FALSE(takes_over(map_of(Role::proxy, Role::master, 1), leads, own)) << "of another partition";
  EXPECT_FALSE(takes_over(map_of(Role::master, Role::slave), leads, own)) << "it goes on";
  EXPECT_FALSE(takes_over({}, leads, own)) << "a start: the node's own file tells";
  EXPECT_FALSE(takes_over(map_of(Role::slave, Role::master), map_of(Role::slave, Role::master), own));
}

TEST(TakingOver, IsKeptInAFile) {
  EXPECT_EQ(parse_taken_over(format_taken_over(PartitionId{3})), PartitionId{3});
  for (const auto* text : {"", "flare-taken-over 1 3", "flare-taken-over 2 3\n", "flare-taken-over 1 -1\n", "x\n"}) {
    EXPECT_EQ(parse_taken_over(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace flare
