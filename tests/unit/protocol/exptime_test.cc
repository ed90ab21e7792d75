#include "common/protocol/exptime.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace flare {
namespace {

constexpr std::int64_t now_s = 1'800'000'000;

struct Case {
  std::int64_t exptime;
  std::int64_t expire_s;
};

class Exptime : public testing::TestWithParam<Case> {};

TEST_P(Exptime, BecomesAnAbsoluteSecond) {
  EXPECT_EQ(absolute_expire_s(GetParam().exptime, now_s), GetParam().expire_s);
}

INSTANTIATE_TEST_SUITE_P(Protocol_3, Exptime,
                         testing::Values(Case{0, 0}, Case{1, now_s + 1}, Case{2592000, now_s + 2592000},
                                         Case{2592001, 2592001}, Case{4102444800, 4102444800},
                                         Case{INT64_MAX, INT64_MAX}, Case{-1, long_past_s},
                                         Case{INT64_MIN, long_past_s}));

// What one node has made absolute stays so at the next.
TEST(ExptimeOfAForwardedRequest, StaysAsItIs) {
  for (const std::int64_t exptime : {-5, 0, 1, 2592000, 2592001}) {
    const auto once = absolute_expire_s(exptime, now_s);
    EXPECT_EQ(absolute_expire_s(once, now_s + 100), once) << exptime;
  }
}

}  // namespace
}  // namespace flare
