#include "flared/snapshot/salvage.h"

#include "flared/snapshot/key_slice.h"
#include "unit/snapshot/power_cut.h"

/// What a scan and the rest of the log make of a store, and how much memory that takes (design.md 3.6).
namespace flare {
namespace {

using snapshot::SalvageNotice;

/// A node with some history, in the middle of its work.
class Salvage : public testing::Test {
 protected:
  Salvage() : disk_(folder_.folder.path()) {
    folder_.options.buckets = 64;
    folder_.options.checkpoint_pace = {.volume_max = 1'000'000, .dirty_max = std::chrono::hours{1}};
    storage_ = folder_.open();
  }
  void write(int from, int to, std::string_view value) {
    for (int number = from; number < to; ++number) set(*storage_, "key" + std::to_string(number), value);
  }

  struct Result {
    Contents contents;
    SalvageNotice notice;
  };
  static void salvage(const std::filesystem::path& image, std::size_t keys_max, Result& result) {
    KyotoFolder target;
    target.options.buckets = 64;
    auto building = snapshot::Building::begin(target.options, target.log, target.clock);
    ASSERT_TRUE(building) << building.error();
    const snapshot::SalvagePlan plan{image / "flare.kch", image / "log", keys_max};
    const auto salvaged = snapshot::salvage(plan, *building, target.log);
    ASSERT_TRUE(salvaged) << salvaged.error();
    result = {contents_of(building->storage()), salvaged->notice};
  }

  KyotoFolder folder_;
  CuttableDisk disk_;
  std::unique_ptr<KyotoStorage> storage_;
};

TEST_F(Salvage, FindsAndTellsTheSameHoweverFewKeysItMayHold) {
  write(0, 300, "first");
  ASSERT_TRUE(storage_->close());
  storage_ = folder_.open();
  disk_.settle();
  write(200, 400, std::string(300, 's'));
  for (int number = 0; number < 50; ++number) {
    ASSERT_TRUE(run(*storage_, {.kind = OperationKind::remove, .key = "key" + std::to_string(number)}));
  }
  for (std::uint32_t seed = 0; seed < 3; ++seed) {
    TempFolder image;
    disk_.cut_into(image.path(), seed);
    Result whole;
    salvage(image.path(), snapshot::salvage_keys_max, whole);
    EXPECT_GE(whole.contents.size(), 150U);
    EXPECT_EQ(whole.notice.proven + whole.notice.doubtful, whole.contents.size());
    for (const std::size_t keys_max : {30, 100}) {
      Result slices;
      salvage(image.path(), keys_max, slices);
      EXPECT_EQ(slices.contents, whole.contents) << keys_max;
      EXPECT_EQ(slices.notice, whole.notice) << keys_max << ": " << to_text(slices.notice);
    }
  }
}

TEST_F(Salvage, CountsEntriesThatTheLogHasLost) {
  write(0, 20, "value");
  TempFolder image;
  disk_.cut_into(image.path(), 1);
  std::filesystem::copy(folder_.path("flare.kch"), image.path() / "flare.kch",
                        std::filesystem::copy_options::overwrite_existing);
  std::filesystem::path segment;
  for (const auto& file : std::filesystem::directory_iterator{folder_.path("log")}) segment = file.path();
  auto bytes = whole_file(segment);
  const auto damaged = bytes.find("key7");
  ASSERT_NE(damaged, std::string::npos);
  bytes[damaged] ^= 1;
  std::ofstream{image.path() / "log" / segment.filename(), std::ios::binary} << bytes;
  Result result;
  salvage(image.path(), snapshot::salvage_keys_max, result);
  EXPECT_EQ(result.notice.discarded_entries, 12U);
  EXPECT_EQ(result.notice.missing_entries, 1U);
  EXPECT_EQ(result.contents.size(), 20U) << "the store had key7";
}

TEST(KeySlice, ShowsEachKeyInOnePassWithinItsBound) {
  snapshot::KeySlice<int> slice{10};
  int seen = 0;
  int passes = 0;
  do {
    ++passes;
    for (int number = 0; number < 500; ++number) {
      if (auto* state = slice.admit("key" + std::to_string(number))) *state = number;
      ASSERT_LE(slice.states().size(), 10U);
    }
    seen += static_cast<int>(slice.states().size());
  } while (slice.next_pass());
  EXPECT_EQ(seen, 500);
  EXPECT_GE(passes, 50);
}

TEST(Notice, IsReadAsItWasWritten) {
  const SalvageNotice notice{1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(snapshot::parse_notice(snapshot::format_notice(notice)), notice);
  EXPECT_FALSE(snapshot::parse_notice("flare-salvaged-3 1 2 3 4 5 6 7\n"));
}

TEST(Notice, ASecondStopProvesNothingOfTheFirst) {
  const SalvageNotice first{.time_s = 1, .proven = 90, .doubtful = 10, .lost = 3, .missing_entries = 2};
  const SalvageNotice second{.time_s = 2, .proven = 80, .doubtful = 5, .lost = 1, .discarded_entries = 4};
  const SalvageNotice wanted{
      .time_s = 2, .proven = 70, .doubtful = 15, .lost = 4, .discarded_entries = 4, .missing_entries = 2};
  EXPECT_EQ(snapshot::joined(first, second), wanted);
  EXPECT_EQ(snapshot::joined(first, {}).doubtful, 0U) << "not more than there are";
}

}  // namespace
}  // namespace flare
