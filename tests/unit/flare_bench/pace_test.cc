#include "flare_bench/pace.h"

#include <gtest/gtest.h>

namespace flare::bench {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{1h};

TEST(ClosedLoop, BeginsWheneverAConnectionIsFreeUntilTheEnd) {
  ClosedLoop pace{start + 1s, no_request_bound};
  EXPECT_EQ(pace.take(start), start);
  EXPECT_EQ(pace.take(start), start);
  EXPECT_FALSE(pace.over(start + 999ms));
  EXPECT_TRUE(pace.over(start + 1s));
  EXPECT_EQ(pace.take(start + 1s), std::nullopt);
  EXPECT_EQ(pace.unsent(), 0U);
}

TEST(ClosedLoop, EndsAfterSoManyRequests) {
  ClosedLoop pace{start + 1s, 2};
  EXPECT_TRUE(pace.take(start));
  EXPECT_TRUE(pace.take(start));
  EXPECT_FALSE(pace.take(start));
  EXPECT_TRUE(pace.over(start));
}

TEST(OpenLoop, BeginsNothingBeforeItIsDue) {
  OpenLoop pace{start, 1000, 3, 1s};
  EXPECT_EQ(pace.take(start - 1ns), std::nullopt);
  EXPECT_EQ(pace.take(start), start);
  EXPECT_EQ(pace.next_due(), start + 1ms);
  EXPECT_EQ(pace.take(start + 999us), std::nullopt);
}

TEST(OpenLoop, CountsLatencyFromTheDueTimeHoweverLateAConnectionIsFree) {
  OpenLoop pace{start, 1000, 4, 1s};
  EXPECT_EQ(pace.take(start + 50ms), start);
  EXPECT_EQ(pace.take(start + 50ms), start + 1ms);
  EXPECT_EQ(pace.take(start + 90ms), start + 2ms);
}

TEST(OpenLoop, DoesNotDriftAtAnOddRate) {
  constexpr std::uint64_t requests = 1'000'000;
  OpenLoop pace{start, 30'000, requests, 1s};  // 33,333.3 ns
  TimePoint last{};
  for (std::uint64_t number = 0; number < requests; ++number) last = *pace.take(start + 34s);
  EXPECT_NEAR(static_cast<double>((last - start).count()), 999'999 / 30'000.0 * 1e9, 2.0);
}

TEST(OpenLoop, GivesUpWhatHasNotBegunInTime) {
  OpenLoop pace{start, 10, 5, 200ms};  // the last is due after 400 ms
  EXPECT_TRUE(pace.take(start));
  EXPECT_FALSE(pace.over(start + 599ms));
  EXPECT_TRUE(pace.over(start + 600ms));
  EXPECT_EQ(pace.take(start + 600ms), std::nullopt);
  EXPECT_EQ(pace.unsent(), 4U);
}

TEST(OpenLoop, IsOverWhenAllHaveBegun) {
  OpenLoop pace{start, 10, 1, 1s};
  EXPECT_TRUE(pace.take(start));
  EXPECT_TRUE(pace.over(start));
  EXPECT_EQ(pace.next_due(), std::nullopt);
  EXPECT_EQ(pace.unsent(), 0U);
}

}  // namespace
}  // namespace flare::bench
