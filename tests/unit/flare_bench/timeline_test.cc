#include "flare_bench/timeline.h"

#include <gtest/gtest.h>

namespace flare::bench {
namespace {

using namespace std::chrono_literals;
using Slowest = std::vector<Timeline::Duration>;

TEST(Timeline, KeepsTheSlowestOfEachSecondInWhichARequestWasDue) {
  Timeline timeline;
  timeline.add(0ns, 5us);
  timeline.add(999ms, 7us);
  timeline.add(999ms, 6us);
  timeline.add(2s, 1us);
  EXPECT_EQ(timeline.slowest(), (Slowest{7us, 0us, 1us}));
}

TEST(Timeline, MergesByTheSecond) {
  Timeline one;
  one.add(0s, 5us);
  Timeline other;
  other.add(0s, 3us);
  other.add(1s, 9us);
  one.merge(other);
  EXPECT_EQ(one.slowest(), (Slowest{5us, 9us}));
  other.merge(one);
  EXPECT_EQ(other.slowest(), one.slowest());
}

TEST(Timeline, TakesWhatWasDueBeforeTheStartAsItsFirstSecondAndIsBounded) {
  Timeline timeline;
  timeline.add(-150ms, 2us);
  timeline.add(std::chrono::hours{1'000}, 2us);
  EXPECT_EQ(timeline.slowest(), (Slowest{2us}));
}

}  // namespace
}  // namespace flare::bench
