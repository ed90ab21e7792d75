#include <fstream>

#include "unit/storage/disk_calls.h"
#include "unit/storage/original.h"
#include "unit/storage/replayed_log.h"

/// An original's data-dir (design.md 3.10): its file opens with whatever it was made, and goes back to it. The original
/// is played here by the library alone, from docs/spec/protocol.md 7.
namespace flare {
namespace {

using kyotocabinet::HashDB;

class OriginalStore : public testing::TestWithParam<OriginalOptions> {
 protected:
  static constexpr int records = 500;

  static std::string data_of(int number) { return std::string(static_cast<std::size_t>(number) * 3, 'd'); }
  // All kinds of records that an original keeps: empty, any byte, expired, high versions.
  void fill() {
    Original original{store(), GetParam()};
    ASSERT_TRUE(original.opened()) << original.error();
    for (int number = 0; number < records; ++number) {
      ASSERT_TRUE(original.set(fmt::format("key-{}", number), static_cast<std::uint32_t>(number),
                               number % 3 == 0 ? 4'000'000'000 : 0, static_cast<std::uint64_t>(number) + 1,
                               data_of(number)));
    }
    ASSERT_TRUE(original.set("expired", 0, 1000, 1, "old"));
    ASSERT_TRUE(original.set("bytes", 7, 0, 0xFFFF'FFFF'FFFF'0000, std::string{"\0\r\n\xFF", 4}));
    original_ = original.records();
  }
  std::filesystem::path store() const { return folder_.path("flare.kch"); }

  KyotoFolder folder_;
  Contents original_;
};

TEST_P(OriginalStore, OpensServesAndGoesBack) {
  fill();
  auto expected = original_;
  {
    const auto storage = folder_.open();
    ASSERT_NE(storage, nullptr) << folder_.failure;
    EXPECT_TRUE(storage->start().new_history);
    EXPECT_TRUE(contents_of(*storage) == original_) << "every record is there as it was";
    for (int number = 0; number < records; number += 2) set(*storage, fmt::format("key-{}", number), "ours");
    for (int number = 1; number < records; number += 10) {
      ASSERT_EQ(run(*storage, {.kind = OperationKind::remove, .key = fmt::format("key-{}", number)})->kind,
                OutcomeKind::deleted);
    }
    set(*storage, "new", std::string(3000, 'n'));
    expected = contents_of(*storage);
    EXPECT_EQ(expected.at("key-2"), "0 0 4 ours");
    ASSERT_TRUE(storage->close());
  }
  Original original{store(), GetParam()};
  ASSERT_TRUE(original.opened()) << original.error();
  EXPECT_TRUE(original.records() == expected);
  EXPECT_EQ(original.count(), static_cast<std::int64_t>(expected.size())) << "nothing of ours is counted or seen";
}

// A kill leaves the file to its log: a start and a stop of flared is what makes it an original's again (operations.md).
TEST_P(OriginalStore, GoesBackAfterAKillByAStartAndAStop) {
  fill();
  KyotoFolder killed;
  {
    const auto storage = folder_.open();
    ASSERT_NE(storage, nullptr) << folder_.failure;
    for (int number = 0; number < records; ++number) set(*storage, fmt::format("key-{}", number), "ours");
    std::filesystem::copy(folder_.folder.path(), killed.folder.path(), std::filesystem::copy_options::recursive);
  }
  Contents expected;
  {
    const auto storage = killed.open();
    ASSERT_NE(storage, nullptr) << killed.failure;
    EXPECT_FALSE(storage->start().new_history) << killed.log.text();
    expected = contents_of(*storage);
    EXPECT_EQ(expected.at("key-9"), "0 0 11 ours");
    ASSERT_TRUE(storage->close());
  }
  Original original{killed.path("flare.kch"), GetParam()};
  ASSERT_TRUE(original.opened()) << original.error();
  EXPECT_TRUE(original.records() == expected);
  EXPECT_EQ(original.count(), static_cast<std::int64_t>(expected.size()));
}

// design.md 3.1: what it changed is not in our log, so nobody may be brought forward by that.
TEST_P(OriginalStore, WhatAnOriginalWroteInBetweenIsTakenUnderANewLogId) {
  LogId before{0};
  fill();
  {
    const auto storage = folder_.open();
    ASSERT_NE(storage, nullptr) << folder_.failure;
    set(*storage, "ours", "x");
    before = storage->position().log_id;
    ASSERT_TRUE(storage->close());
  }
  {
    Original original{store(), GetParam()};
    ASSERT_TRUE(original.opened()) << original.error();
    ASSERT_TRUE(original.set("ours", 5, 0, 9, "theirs"));
    original_ = original.records();
  }
  const auto storage = folder_.open();
  ASSERT_NE(storage, nullptr) << folder_.failure;
  EXPECT_TRUE(storage->start().new_history);
  EXPECT_NE(storage->position().log_id, before);
  EXPECT_TRUE(contents_of(*storage) == original_);
  EXPECT_EQ(get(*storage, "ours"), "5 0 9 theirs");
}

INSTANTIATE_TEST_SUITE_P(
    Protocol_7, OriginalStore,
    testing::Values(OriginalOptions{.name = "defaults"}, OriginalOptions{.name = "large", .large = true},
                    OriginalOptions{.name = "few_buckets", .buckets = 17},
                    OriginalOptions{.name = "wide_alignment", .alignment = 8},
                    OriginalOptions{.name = "no_alignment", .alignment = 0, .large = true},
                    OriginalOptions{.name = "compressed", .compressed = true},
                    OriginalOptions{.name = "large_compressed", .large = true, .compressed = true}),
    [](const auto& given) { return given.param.name; });

TEST(OriginalFile, OfAnotherCompressionIsRefusedByName) {
  KyotoFolder folder;
  {
    HashDB db;  // the library's own choice: ZLIB
    db.tune_options(HashDB::TCOMPRESS);
    ASSERT_TRUE(db.open(folder.path("flare.kch").string(), HashDB::OWRITER | HashDB::OCREATE));
    ASSERT_TRUE(db.set("k", "record"));
  }
  EXPECT_EQ(folder.open(), nullptr);
  EXPECT_NE(folder.failure.find(folder.path("flare.kch").string()), std::string::npos) << folder.failure;
  EXPECT_NE(folder.failure.find("compress"), std::string::npos) << folder.failure;
}

// design.md 3.10: the library corrupts silently where its small offsets end. A sparse file comes near it at once.
TEST(OriginalFile, WithSmallOffsetsIsNotWrittenToWhereTheyEnd) {
  constexpr std::uint64_t offsets_end = std::uint64_t{1} << 32;  // no alignment
  constexpr std::uint64_t near = offsets_end - (1 << 20) - 300 * 1024;
  constexpr std::streamoff size_at = 40;  // in the library's header, most significant byte first
  const NoBlocksReserved sparse;
  KyotoFolder folder;
  {
    Original original{folder.path("flare.kch"), {.name = "small", .alignment = 0}};
    ASSERT_TRUE(original.opened()) << original.error();
    ASSERT_TRUE(original.set("old", 1, 0, 1, "value"));
  }
  std::filesystem::resize_file(folder.path("flare.kch"), near);
  std::fstream file{folder.path("flare.kch"), std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(size_at);
  for (int shift = 56; shift >= 0; shift -= 8) file.put(static_cast<char>(near >> shift));
  file.close();

  const auto storage = folder.open();
  ASSERT_NE(storage, nullptr) << folder.failure;
  EXPECT_EQ(storage->figures().file_bytes, near);
  const std::string value(10'000, 'v');
  const auto store = [&](int number) {
    return run(*storage, {.kind = OperationKind::set, .key = fmt::format("key-{}", number), .data = value});
  };
  int stored = 0;
  while (store(stored)) ASSERT_LT(++stored, 40) << "never refused";
  EXPECT_GT(stored, 10) << "there was room";
  EXPECT_LT(storage->figures().file_bytes, offsets_end);
  EXPECT_EQ(store(stored).error(), StorageError::out_of_space);
  const LogEntry replicated{.sequence = next(storage->position().sequence), .key = "of-a-master", .data = value};
  {
    const Storage::Batch batch{*storage};
    EXPECT_EQ(storage->apply(replicated).error(), StorageError::out_of_space);
  }
  EXPECT_EQ(get(*storage, "old"), "1 0 1 value");
  for (int number = 0; number < stored; ++number)
    EXPECT_EQ(get(*storage, fmt::format("key-{}", number)), "0 0 1 " + value);
  EXPECT_NE(folder.log.text().find("storage-large"), std::string::npos) << folder.log.text();
  EXPECT_NE(folder.log.text().find("Build this node from another one"), std::string::npos);
  EXPECT_FALSE(storage->figures().disk_full) << "what flushes have kept must not go for it";
  EXPECT_EQ(storage->figures().refused_for_space, 3U);
}

// design.md 3.10: a store of another kind that is older than ours was left behind by a change of storage-type.
TEST(OriginalFile, OfAnotherKindIsPassedOverWhenItIsOlder) {
  for (const char* name : {"flare.hdb", "flare.bdb"}) {
    KyotoFolder folder;
    {
      const auto storage = folder.open();
      ASSERT_NE(storage, nullptr) << folder.failure;
      set(*storage, "k", "x");
    }
    std::ofstream{folder.path(name)} << "records";
    const auto ours = std::filesystem::last_write_time(folder.path("flare.kch"));
    std::filesystem::last_write_time(folder.path(name), ours + std::chrono::hours{1});
    EXPECT_EQ(folder.open(), nullptr) << "it is newer";
    std::filesystem::last_write_time(folder.path(name), ours - std::chrono::hours{1});
    const auto storage = folder.open();
    ASSERT_NE(storage, nullptr) << folder.failure;
    EXPECT_EQ(get(*storage, "k"), "0 0 1 x");
  }
}

}  // namespace
}  // namespace flare
