// start-without-index: the copy of the last map.
#include "flared/map_copy.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

IndexLink::Joined example() {
  IndexLink::Joined known;
  known.meta = {512, 2, 1024};
  known.key_hash = KeyHashAlgorithm::crc32;
  known.map.version = MapVersion{41};
  const Node master{"a", 1, Role::master, State::active, PartitionId{0}, 1, ThreadType{16}};
  const Node slave{"b", 2, Role::slave, State::active, PartitionId{0}, 1, ThreadType{17}};
  for (const auto& node : {master, slave}) known.map.nodes.emplace(node.key(), node);
  known.map.reigns[PartitionId{0}] = {Epoch{40}, {NodeKey{"a:1"}}};
  return known;
}

TEST(MapCopy, IsReadBack) {
  const auto known = example();
  const auto read = parse_map_copy(format_map_copy(known));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->map, known.map);
  EXPECT_EQ(read->meta, known.meta);
  EXPECT_EQ(read->key_hash, known.key_hash);
}

TEST(MapCopy, ThatIsDamagedAnywhereIsNotUsed) {
  const auto text = format_map_copy(example());
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto damaged = text;
    damaged[at] = damaged[at] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(parse_map_copy(damaged)) << "byte " << at;
    EXPECT_FALSE(parse_map_copy(text.substr(0, at))) << "cut at " << at;
  }
}

}  // namespace
}  // namespace flare
