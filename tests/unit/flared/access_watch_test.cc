#include "flared/access_watch.h"

#include <gtest/gtest.h>

#include "flared/access_mark.h"

namespace flare {
namespace {

using std::chrono::milliseconds;

const AccessWatch::TimePoint start{};

TEST(AccessMark, IsOddInside) {
  AccessMark mark;
  EXPECT_FALSE(is_inside(mark.value()));
  {
    const AccessMark::Inside inside{mark};
    EXPECT_TRUE(is_inside(mark.value()));
  }
  EXPECT_FALSE(is_inside(mark.value()));
}

TEST(AccessWatch, TellsOneAccessOnceWhenItComesAboveTheThreshold) {
  AccessWatch watch{{milliseconds{100}, milliseconds{0}}};
  EXPECT_TRUE(watch.look({1, 0}, start).empty());
  EXPECT_TRUE(watch.look({1, 0}, start + milliseconds{99}).empty());
  const auto slow = watch.look({1, 0}, start + milliseconds{120});
  ASSERT_EQ(slow.size(), 1U);
  EXPECT_EQ(slow[0].worker, 0U);
  EXPECT_EQ(slow[0].lasts, milliseconds{120});
  EXPECT_TRUE(watch.look({1, 0}, start + milliseconds{500}).empty());
  EXPECT_FALSE(watch.too_long()) << "threshold 0 is off";
}

TEST(AccessWatch, PingIsNotOkOnlyWhileTheAccessLasts) {
  AccessWatch watch{{milliseconds{0}, milliseconds{50}}};
  EXPECT_TRUE(watch.look({7}, start).empty());
  EXPECT_FALSE(watch.too_long());
  EXPECT_TRUE(watch.look({7}, start + milliseconds{50}).empty()) << "threshold 0 is off";
  EXPECT_TRUE(watch.too_long());
  EXPECT_TRUE(watch.look({8}, start + milliseconds{60}).empty());
  EXPECT_FALSE(watch.too_long()) << "daemons.md 4: the original stays in that state for good";
}

TEST(AccessWatch, ManyShortAccessesAreNotOneLong) {
  AccessWatch watch{{milliseconds{10}, milliseconds{10}}};
  for (std::uint64_t i = 0; i < 10; ++i) {
    EXPECT_TRUE(watch.look({2 * i + 1}, start + milliseconds{100 * i}).empty());
    EXPECT_FALSE(watch.too_long());
  }
}

TEST(AccessWatch, WithBothThresholdsAtZeroNothingIsTooLong) {
  AccessWatch watch{{}};
  EXPECT_TRUE(watch.look({1}, start).empty());
  EXPECT_TRUE(watch.look({1}, start + std::chrono::hours{1}).empty());
  EXPECT_FALSE(watch.too_long()) << "daemons.md 7: in the original the first access takes the node down";
}

}  // namespace
}  // namespace flare
