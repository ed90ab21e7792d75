#include "flared/replication/in_sync_members.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

constexpr PartitionId partition{0};

void add(NodeMap& map, const std::string& name, Role role, State state, PartitionId of = partition) {
  map.nodes[NodeKey{name, 1}] = {
      name, 1, role, state, of, 1, ThreadType{16 + static_cast<std::int32_t>(map.nodes.size())}};
}

NodeMap example() {
  NodeMap map;
  map.version = MapVersion{9};
  add(map, "m", Role::master, State::active);
  add(map, "active", Role::slave, State::active);
  add(map, "building", Role::slave, State::prepare);
  add(map, "down", Role::slave, State::down);
  add(map, "other", Role::slave, State::active, PartitionId{1});
  add(map, "proxy", Role::proxy, State::active, no_partition);
  return map;
}

TEST(InSyncMembers, AreThoseThatTheMapNames) {
  auto map = example();
  map.reigns[partition] = {Epoch{7}, {NodeKey{"m", 1}}};
  const auto members = in_sync_members(map, partition);
  EXPECT_TRUE(members.stored);
  EXPECT_EQ(members.epoch, Epoch{7});
  EXPECT_EQ(members.in_sync, (std::set{NodeKey{"m", 1}}));
  EXPECT_EQ(members.slaves, (std::set{NodeKey{"active", 1}, NodeKey{"building", 1}}));
  EXPECT_EQ(members.preparing, (std::set{NodeKey{"building", 1}}));
  EXPECT_EQ(epoch_of(map, partition), Epoch{7});
}

TEST(InSyncMembers, OfAnOriginalsMapAreAllActiveSlaves) {
  const auto members = in_sync_members(example(), partition);
  EXPECT_FALSE(members.stored);
  EXPECT_EQ(members.epoch, Epoch{9});
  EXPECT_EQ(members.in_sync, (std::set{NodeKey{"active", 1}}));
  EXPECT_EQ(epoch_of(example(), partition), Epoch{0});
}

}  // namespace
}  // namespace flare
