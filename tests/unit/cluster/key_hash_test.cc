#include "common/cluster/key_hash.h"

#include <gtest/gtest.h>

#include <string>

#include "unit/cluster/golden_table.h"

namespace flare {
namespace {

TEST(KeyHash, GivesTheHashOfEveryGoldenVector) {
  const auto rows = test::golden_rows("partition-vectors.tsv");
  ASSERT_EQ(rows.size(), 192u);
  for (const auto& row : rows) {
    const auto algorithm = key_hash_from_text(row.at(0));
    ASSERT_TRUE(algorithm) << row.at(0);
    const auto key = test::bytes_from_hex(row.at(1));
    EXPECT_EQ(std::to_string(key_hash(*algorithm, key)), row.at(3)) << row.at(0) << ' ' << row.at(1);
  }
}

// cluster.md 2.1: inside a node murmur chooses one of 64 slots.
TEST(KeyHash, ChoosesTheStorageSlotOfEveryGoldenVector) {
  for (const auto& row : test::golden_rows("partition-vectors.tsv")) {
    const auto key = test::bytes_from_hex(row.at(1));
    EXPECT_EQ(std::to_string(key_hash(KeyHashAlgorithm::murmur, key) % 64), row.at(13)) << row.at(1);
  }
}

TEST(KeyHash, EndsTheKeyAtANul) {
  using std::string_view_literals::operator""sv;
  for (const auto algorithm : {KeyHashAlgorithm::simple, KeyHashAlgorithm::bitshift, KeyHashAlgorithm::crc32,
                               KeyHashAlgorithm::adler32, KeyHashAlgorithm::murmur, KeyHashAlgorithm::jenkins}) {
    EXPECT_EQ(key_hash(algorithm, "ab\0cd"sv), key_hash(algorithm, "ab")) << to_text(algorithm);
  }
}

// cluster.md 2.1: |-2^31| does not fit the original's signed result, which it then indexed with.
TEST(KeyHash, StaysAtMost2To31ForManyKeys) {
  for (int i = 0; i < 200'000; ++i) {
    ASSERT_LE(key_hash(KeyHashAlgorithm::crc32, std::to_string(i)), 0x80000000U);
  }
}

TEST(KeyHash, NamesAreReadAsTheyAreWritten) {
  for (const auto name : {"simple", "bitshift", "crc32", "adler32", "murmur", "jenkins"}) {
    const auto algorithm = key_hash_from_text(name);
    ASSERT_TRUE(algorithm) << name;
    EXPECT_EQ(to_text(*algorithm), name);
  }
  for (const auto name : {"", "Simple", "md5", "crc32 "}) EXPECT_FALSE(key_hash_from_text(name)) << name;
}

}  // namespace
}  // namespace flare
