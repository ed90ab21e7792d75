#include "common/cluster/modular_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/cluster/key_hash.h"
#include "unit/cluster/golden_table.h"

namespace flare {
namespace {

PartitionMeta meta_of(int hint, int slots) { return {.modular_hint = hint, .modular_virtual = slots}; }

std::string first_slots(const ModularRow& row) {
  std::string text;
  for (std::size_t i = 0; i < 32 && i < row.slots().size(); ++i) {
    text += (text.empty() ? "" : ",") + std::to_string(row.slots()[i]);
  }
  return text;
}

std::string counts(const ModularRow& row, int partitions) {
  std::vector<int> count(static_cast<std::size_t>(partitions));
  for (const auto slot : row.slots()) ++count.at(static_cast<std::size_t>(slot));
  std::string text;
  for (const auto number : count) text += (text.empty() ? "" : ",") + std::to_string(number);
  return text;
}

std::string checksum(const ModularRow& row) {
  std::uint32_t sum = 0;
  for (const auto slot : row.slots()) sum = 31 * sum + static_cast<std::uint32_t>(slot);
  return std::to_string(sum);
}

TEST(ModularTable, GivesEveryGoldenRow) {
  const auto rows = test::golden_rows("partition-rows.tsv");
  ASSERT_EQ(rows.size(), 108u);
  for (const auto& row : rows) {
    const int partitions = std::stoi(row.at(2));
    const ModularRow made{meta_of(std::stoi(row.at(0)), std::stoi(row.at(1))), partitions};
    const auto name = row.at(0) + ' ' + row.at(1) + ' ' + row.at(2);
    EXPECT_EQ(first_slots(made), row.at(3)) << name;
    EXPECT_EQ(counts(made, partitions), row.at(4)) << name;
    EXPECT_EQ(checksum(made), row.at(5)) << name;
  }
}

TEST(ModularTable, PlacesEveryGoldenKeyForOneToEightPartitions) {
  std::vector<ModularRow> made;
  for (int partitions = 1; partitions <= 8; ++partitions) made.emplace_back(PartitionMeta{}, partitions);
  for (const auto& row : test::golden_rows("partition-vectors.tsv")) {
    const auto hash = key_hash(key_hash_from_text(row.at(0)).value(), test::bytes_from_hex(row.at(1)));
    for (std::size_t partitions = 1; partitions <= 8; ++partitions) {
      EXPECT_EQ(std::to_string(raw(made[partitions - 1].partition_of(hash))), row.at(3 + partitions))
          << row.at(0) << ' ' << row.at(1) << ' ' << partitions;
    }
    EXPECT_EQ(std::to_string(hash % 4096), row.at(12)) << row.at(0) << ' ' << row.at(1);
  }
}

// cluster.md 2.2: growing to n moves slots only to n - 1.
TEST(ModularTable, GrowingMovesSlotsOnlyToTheNewPartition) {
  ModularRow before{PartitionMeta{}, 1};
  for (int partitions = 2; partitions <= 64; ++partitions) {
    const ModularRow after{PartitionMeta{}, partitions};
    for (std::size_t slot = 0; slot < after.slots().size(); ++slot) {
      if (after.slots()[slot] != before.slots()[slot]) {
        ASSERT_EQ(after.slots()[slot], partitions - 1);
      }
    }
    before = after;
  }
}

TEST(ModularTable, LeavesHighPartitionsEmptyWithFewSlots) {
  const ModularRow row{meta_of(1, 64), 11};
  for (const auto slot : row.slots()) EXPECT_NE(slot, 10);
}

TEST(ModularTable, TakesTheHighestHash) {
  const ModularRow row{PartitionMeta{}, 8};
  EXPECT_GE(raw(row.partition_of(0x80000000U)), 0);
}

}  // namespace
}  // namespace flare
