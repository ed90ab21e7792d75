// daemons.md 3.5: damage is refused, repaired or told; never a miss that nobody hears of, never a short scan.
#include <fstream>

#include "flared/storage/clean_mark.h"
#include "unit/storage/storage_helpers.h"

namespace flare {
namespace {

std::string read_all(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_all(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

class Damage : public testing::Test {
 protected:
  Damage() {
    folder_.options.buckets = 1000;
    const auto storage = folder_.open();
    for (int i = 0; i < 300; ++i) set(*storage, "key-" + std::to_string(i), "value-" + std::to_string(i) + "!");
  }
  std::filesystem::path store() const { return folder_.path("flare.kch"); }
  std::filesystem::path segment() const {
    return std::filesystem::directory_iterator { folder_.path("log") } -> path();
  }

  KyotoFolder folder_;
};

TEST_F(Damage, OfARecordIsAnErrorACountAndEndsAScan) {
  auto bytes = read_all(store());
  const auto value = bytes.find("value-77!");
  ASSERT_NE(value, std::string::npos);
  bytes[value - 16] ^= 1;  // its size, in the record's own header
  write_all(store(), bytes);

  const auto storage = folder_.open();
  ASSERT_NE(storage, nullptr) << folder_.failure;
  CollectingSink sink;
  const auto found = storage->get("key-77", now_s, sink);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error(), StorageError::damaged);
  EXPECT_EQ(run(*storage, {.kind = OperationKind::append, .key = "key-77", .data = "x"}).error(),
            StorageError::damaged);
  EXPECT_EQ(contents_of(*storage), (Contents{{"scan failed", ""}}));
  EXPECT_GE(storage->figures().damaged_records, 3U);
  EXPECT_NE(folder_.log.text().find("'key-77' is damaged"), std::string::npos);
  EXPECT_EQ(get(*storage, "key-78"), "0 0 1 value-78!");

  set(*storage, "key-77", "whole");
  EXPECT_TRUE(get(*storage, "key-77").ends_with(" whole"));
  EXPECT_EQ(contents_of(*storage).size(), 300U);
}

// Its version: where in the header's 28 bytes the damage is, and what a set's version must be above.
TEST_F(Damage, ASetInItsPlaceIsNewerThanAnythingThatWasRead) {
  struct Row {
    int flipped_at;  // before the value
    std::uint8_t bits;
    std::uint64_t written;
  };
  constexpr std::uint64_t counted_max = std::uint64_t{now_s} << 20;
  for (const auto& row : {Row{16, 1, 7}, Row{16, 0x80, std::uint64_t{1} << 60}, Row{16, 1, ~std::uint64_t{0} - 3}}) {
    KyotoFolder folder;
    folder.options.buckets = 1000;
    {
      const auto storage = folder.open();
      const auto versioned = row.written;
      const LogEntry entry{.sequence = Sequence{1}, .key = "k", .version = RecordVersion{versioned}, .data = "value!"};
      const Storage::Batch batch{*storage};
      ASSERT_TRUE(storage->apply(entry));
      ASSERT_TRUE(storage->write_log());
    }
    auto bytes = read_all(folder.path("flare.kch"));
    auto& flipped = bytes[bytes.find("value!") - static_cast<std::size_t>(row.flipped_at)];
    flipped = static_cast<char>(flipped ^ row.bits);
    write_all(folder.path("flare.kch"), bytes);

    const auto storage = folder.open();
    ASSERT_NE(storage, nullptr) << folder.failure;
    EXPECT_EQ(get(*storage, "k"), "error");
    const auto old_holder =
        run(*storage, {.kind = OperationKind::cas, .key = "k", .compare = RecordVersion{row.written}});
    EXPECT_EQ(old_holder.error(), StorageError::damaged);
    const auto stored = run(*storage, {.kind = OperationKind::set, .key = "k", .data = "whole"});
    ASSERT_TRUE(stored);
    EXPECT_GT(raw(stored->version), counted_max);
    if (row.written <= std::uint64_t{1} << 62) {
      EXPECT_GT(raw(stored->version), row.written);
    }
    const auto late = run(*storage, {.kind = OperationKind::cas, .key = "k", .compare = RecordVersion{row.written}});
    EXPECT_EQ(late->kind, OutcomeKind::exists);
  }
}

TEST_F(Damage, OfTheRecordAreaNeverEndsAScanAsIfItWereWhole) {
  const auto whole = read_all(store());
  const auto records = whole.find("key-0");
  int scans_failed = 0;
  for (int round = 0; round < 40; ++round) {
    auto bytes = whole;
    const auto at = records + static_cast<std::size_t>(round) * 7919 % (bytes.size() - records);
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    write_all(store(), bytes);
    std::filesystem::remove(clean_mark_path(folder_.path("")));  // of the history that the round before has begun
    const auto storage = folder_.open();
    if (!storage) continue;  // refused by name
    const auto contents = contents_of(*storage);
    const bool failed = contents.contains("scan failed") || contents.contains("no scan");
    scans_failed += failed ? 1 : 0;
    if (!failed) {
      EXPECT_EQ(contents.size(), 300U) << "byte " << at;
    }
  }
  EXPECT_GT(scans_failed, 0);
}

struct FileDamage {
  const char* name;
  bool of_log;
  std::string (*to)(std::string);
  bool clean_stop;          // else killed
  const char* refused_for;  // part of the sentence; null: opens with all records
};

class DamagedFile : public testing::TestWithParam<FileDamage> {};

TEST_P(DamagedFile, IsRefusedByNameOrDoesNoHarm) {
  KyotoFolder folder;
  folder.options.buckets = 1000;
  {
    const auto storage = folder.open();
    for (int i = 0; i < 50; ++i) set(*storage, "key-" + std::to_string(i), "x");
  }
  if (!GetParam().clean_stop) std::filesystem::remove(clean_mark_path(folder.path("")));
  const auto segment = std::filesystem::directory_iterator { folder.path("log") } -> path();
  const auto damaged = GetParam().of_log ? segment : folder.path("flare.kch");
  write_all(damaged, GetParam().to(read_all(damaged)));
  const auto storage = folder.open();
  if (GetParam().refused_for != nullptr) {
    EXPECT_EQ(storage, nullptr);
    EXPECT_NE(folder.failure.find(GetParam().refused_for), std::string::npos) << folder.failure;
    EXPECT_NE(folder.failure.find(damaged.filename().string()), std::string::npos) << folder.failure;
    return;
  }
  ASSERT_NE(storage, nullptr) << folder.failure;
  EXPECT_EQ(contents_of(*storage).size(), 50U);
}

std::string nothing(std::string) { return {}; }
std::string half(std::string bytes) { return bytes.substr(0, bytes.size() / 2); }
std::string foreign(std::string bytes) { return std::string(bytes.size(), 'F'); }
std::string flipped_head(std::string bytes) {
  bytes[9] = static_cast<char>(bytes[9] ^ 0x40);
  return bytes;
}
std::string flipped_middle(std::string bytes) {
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x40);
  return bytes;
}
std::string flipped_end(std::string bytes) {
  bytes.back() = static_cast<char>(bytes.back() ^ 0x40);
  return bytes;
}

INSTANTIATE_TEST_SUITE_P(
    Daemons_3_5, DamagedFile,
    testing::Values(FileDamage{"EmptyStore", false, nothing, true, "is empty"},
                    FileDamage{"EmptyStoreAfterAKill", false, nothing, false, "is empty"},
                    FileDamage{"TruncatedStore", false, half, true, "cannot be opened"},
                    FileDamage{"ForeignStore", false, foreign, true, "cannot be opened"},
                    FileDamage{"FlippedHeadOfTheStore", false, flipped_head, true, "cannot be opened"},
                    FileDamage{"EmptyLogAfterACleanStop", true, nothing, true, nullptr},
                    FileDamage{"TruncatedLogAfterACleanStop", true, half, true, nullptr},
                    FileDamage{"ForeignLogAfterACleanStop", true, foreign, true, nullptr},
                    FileDamage{"FlippedLogAfterACleanStop", true, flipped_middle, true, nullptr},
                    FileDamage{"EmptyLogAfterAKill", true, nothing, false, "log"},
                    FileDamage{"ForeignLogAfterAKill", true, foreign, false, "log"},
                    FileDamage{"FlippedEndOfTheLogAfterACleanStop", true, flipped_end, true, nullptr},
                    FileDamage{"FlippedEndOfTheLogAfterAKill", true, flipped_end, false, "not by a kill"},
                    FileDamage{"FlippedLogAfterAKill", true, flipped_middle, false, "damaged"}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace flare
