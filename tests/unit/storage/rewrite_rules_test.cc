#include "flared/storage/rewrite_rules.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

constexpr RewritePace pace{.waste_bytes_min = 1000, .items_min = 100};

struct Case {
  const char* name;
  StoreShape shape;
  RewriteCause cause;
};

class RewriteCauseOf : public testing::TestWithParam<Case> {};

TEST_P(RewriteCauseOf, FollowsBucketsAndWaste) { EXPECT_EQ(rewrite_cause(GetParam().shape, pace), GetParam().cause); }

INSTANTIATE_TEST_SUITE_P(
    Design_3_11, RewriteCauseOf,
    testing::Values(
        Case{"empty", {}, RewriteCause::none},
        Case{"four_records_at_each_bucket", {.items = 4000, .buckets = 1000}, RewriteCause::none},
        Case{"more", {.items = 4004, .buckets = 1000}, RewriteCause::few_buckets},
        Case{"more_in_a_small_store", {.items = 99, .buckets = 1}, RewriteCause::none},
        Case{"full_of_records",
             {.items = 100, .buckets = 1000, .used_bytes = 15'000, .live_bytes = 10'000},
             RewriteCause::none},
        Case{"clearly_more_than_its_records",
             {.items = 100, .buckets = 1000, .used_bytes = 18'000, .live_bytes = 10'000},
             RewriteCause::waste},
        Case{"padding_is_no_waste",
             {.items = 100, .buckets = 1000, .used_bytes = 18'000, .live_bytes = 10'000, .alignment_bytes = 16},
             RewriteCause::none},
        Case{"nothing_left", {.buckets = 1000, .used_bytes = 1001, .live_bytes = 0}, RewriteCause::waste},
        Case{"little_waste", {.buckets = 1000, .used_bytes = 900, .live_bytes = 0}, RewriteCause::none},
        Case{"nobody_has_looked", {.items = 100, .buckets = 1000, .used_bytes = 90'000}, RewriteCause::none},
        Case{"grown_without_records",
             {.items = 100, .buckets = 1000, .used_bytes = 90'000, .used_grown = 20'000, .live_grown = 5'000},
             RewriteCause::unknown},
        Case{"records_removed",
             {.items = 100, .buckets = 1000, .used_bytes = 90'000, .used_grown = 0, .live_grown = -20'000},
             RewriteCause::unknown},
        Case{"grown_by_records",
             {.items = 100, .buckets = 1000, .used_bytes = 90'000, .used_grown = 60'000, .live_grown = 55'000},
             RewriteCause::none}),
    [](const auto& given) { return given.param.name; });

TEST(BucketsOfANewStore, AreTheWishedOrTwoForEachRecord) {
  EXPECT_EQ(buckets_for(0, 1024), 1024);
  EXPECT_EQ(buckets_for(512, 1024), 1024);
  EXPECT_EQ(buckets_for(10'000'000, 1'048'576), 20'000'000);
  EXPECT_EQ(buckets_for(10'000'000, std::int64_t{1} << 32), std::int64_t{1} << 32);
}

TEST(BucketsOfANewStore, AreBoundedWhateverAPeerAnnounces) {
  EXPECT_EQ(buckets_for(~std::uint64_t{0}, 1024), std::int64_t{1} << 28);
}

// After a rewrite none is due: else it would go on for ever.
TEST(RewriteCauseOf, IsGoneAfterIt) {
  for (const std::uint64_t items : {100U, 10'000U, 10'000'000U}) {
    const StoreShape after{.items = items,
                           .buckets = static_cast<std::uint64_t>(buckets_for(items, 1)),
                           .used_bytes = room_of_records(items, 40 * items, 16) + 16 * items,
                           .live_bytes = 40 * items,
                           .alignment_bytes = 16};
    EXPECT_EQ(rewrite_cause(after, pace), RewriteCause::none) << items;
  }
}

}  // namespace
}  // namespace flare
