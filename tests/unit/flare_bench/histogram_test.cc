#include "flare_bench/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace flare::bench {
namespace {

using std::chrono::nanoseconds;

Histogram of(const std::vector<std::int64_t>& durations_ns) {
  Histogram histogram;
  for (const auto duration : durations_ns) histogram.add(nanoseconds{duration});
  return histogram;
}

struct Case {
  const char* name;
  std::vector<std::int64_t> durations_ns;
  double part;
  std::int64_t expected_ns;  // to within the width of a bucket
};

class Share : public testing::TestWithParam<Case> {};

TEST_P(Share, IsTheDurationThatThisPartDoesNotExceed) {
  const auto found = of(GetParam().durations_ns).share(GetParam().part).count();
  EXPECT_GE(found, GetParam().expected_ns);
  EXPECT_LE(static_cast<double>(found), static_cast<double>(GetParam().expected_ns) * 1.008);
}

INSTANTIATE_TEST_SUITE_P(Histogram, Share,
                         testing::Values(Case{"nothing", {}, 0.5, 0}, Case{"one", {1000}, 0.5, 1000},
                                         Case{"half of two is the smaller", {10, 20}, 0.5, 10},
                                         Case{"more than half of two is the larger", {10, 20}, 0.51, 20},
                                         Case{"order does not matter", {500'000, 3, 70'000}, 0.5, 70'000},
                                         Case{"all", {1, 2, 3'000'000}, 1.0, 3'000'000},
                                         Case{"the first part", {1, 2, 3}, 0.0, 1},
                                         Case{"negative counts as nothing", {-5}, 1.0, 0}),
                         [](const auto& row) {
                           std::string name = row.param.name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

TEST(Histogram, IsNoWiderThanItSaysAtAnyDuration) {
  for (std::int64_t duration = 1; duration < 3'600'000'000'000; duration = duration * 5 / 4 + 1) {
    const auto buckets = of({duration}).buckets();
    ASSERT_EQ(buckets.size(), 1U);
    EXPECT_GE(buckets[0].first.count(), duration);
    EXPECT_LE(static_cast<double>(buckets[0].first.count()), static_cast<double>(duration) * 1.008);
  }
}

TEST(Histogram, KeepsTheLongestExactlyAlsoBeyondItsLastBucket) {
  const auto day = std::chrono::nanoseconds{std::chrono::hours{24}}.count();
  EXPECT_EQ(of({1, 1'234'567}).longest().count(), 1'234'567);
  EXPECT_EQ(of({1, day}).longest().count(), day);
}

TEST(Histogram, OfTwoThreadsIsThatOfAll) {
  std::mt19937 random{7};
  Histogram first, second, all;
  for (int number = 0; number < 10'000; ++number) {
    const nanoseconds duration{random() % 1'000'000};
    (number % 3 == 0 ? first : second).add(duration);
    all.add(duration);
  }
  first.merge(second);
  EXPECT_EQ(first.count(), all.count());
  EXPECT_EQ(first.buckets(), all.buckets());
  EXPECT_EQ(first.longest(), all.longest());
  EXPECT_EQ(first.mean(), all.mean());
}

}  // namespace
}  // namespace flare::bench
