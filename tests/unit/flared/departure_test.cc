#include "flared/departure.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

using namespace std::chrono_literals;

constexpr Departure::TimePoint begin{100s};

TEST(DepartureOfAMaster, HoldsWritesUpForAWhileAfterEachQuestion) {
  Departure departure;
  EXPECT_FALSE(departure.holds(begin));
  EXPECT_TRUE(departure.asked(begin));
  EXPECT_TRUE(departure.holds(begin + 1999ms));
  EXPECT_FALSE(departure.holds(begin + 2s));
  EXPECT_EQ(departure.ends_at(), begin + 2s);
}

TEST(DepartureOfAMaster, IsNotHeldUpForEver) {
  Departure departure;
  auto now = begin;
  for (; departure.asked(now); now += 50ms) ASSERT_LT(now, begin + 10s);
  EXPECT_EQ(now, begin + 1050ms);
  EXPECT_TRUE(departure.holds(now)) << "what was answered last stays true for its time";
  EXPECT_FALSE(departure.holds(begin + 3s));
  EXPECT_FALSE(departure.asked(begin + 3400ms)) << "its writes go on for a while";
  EXPECT_TRUE(departure.asked(begin + 3s + 550ms));
}

TEST(DepartureOfAMaster, EndsWithTheMapThatNamesAnother) {
  Departure departure;
  ASSERT_TRUE(departure.asked(begin));
  departure.done();
  EXPECT_FALSE(departure.holds(begin + 1ms));
  EXPECT_TRUE(departure.asked(begin + 2ms)) << "it may be master again, and be asked again";
}

}  // namespace
}  // namespace flare
