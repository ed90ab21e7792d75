#include "flared/replication/promise.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

using namespace std::chrono_literals;
constexpr Promise::TimePoint start{};
constexpr PartitionId partition{3};

TEST(PromiseOfANode, HoldsForTwoSeconds) {
  Promise promise;
  EXPECT_FALSE(promise.holds(start));
  promise.give({partition, Epoch{7}}, start);
  EXPECT_TRUE(promise.holds(start + 1999ms));
  EXPECT_FALSE(promise.holds(start + 2s));
}

struct RefusalCase {
  std::uint64_t known;
  std::optional<std::uint64_t> given;
  std::chrono::milliseconds later;
  std::uint64_t asked;
  bool refused;
};

class PromiseRefusal : public testing::TestWithParam<RefusalCase> {};

TEST_P(PromiseRefusal, ByTheRule) {
  const auto& c = GetParam();
  Promise promise;
  if (c.given) promise.give({partition, Epoch{*c.given}}, start);
  EXPECT_EQ(!promise.refusal({partition, Epoch{c.asked}}, Epoch{c.known}, start + c.later).empty(), c.refused);
}

INSTANTIATE_TEST_SUITE_P(Replication_10, PromiseRefusal,
                         testing::Values(RefusalCase{5, std::nullopt, 0ms, 6, false},
                                         RefusalCase{5, std::nullopt, 0ms, 5, true},
                                         RefusalCase{5, std::nullopt, 0ms, 4, true}, RefusalCase{5, 8, 1s, 7, true},  //
                                         RefusalCase{5, 8, 1s, 8, false},    // asked again by the same index
                                         RefusalCase{5, 8, 1s, 9, false},    //
                                         RefusalCase{5, 8, 2s, 7, false}));  // lapsed

TEST(PromiseOfANode, OfAnotherPartitionRefusesNothing) {
  Promise promise;
  promise.give({PartitionId{1}, Epoch{8}}, start);
  EXPECT_EQ(promise.refusal({partition, Epoch{7}}, Epoch{5}, start), "");
}

TEST(PromiseOfANode, EndsWithAMapOfItsEpochAndNotWithAnOlderOne) {
  Promise promise;
  promise.give({partition, Epoch{8}}, start);
  promise.on_map(partition, Epoch{7});
  EXPECT_TRUE(promise.holds(start));
  promise.on_map(partition, Epoch{8});
  EXPECT_FALSE(promise.holds(start));
}

TEST(StoredPromise, ComesBackAsItWas) {
  const Promise::Given given{partition, Epoch{1ULL << 41}};
  EXPECT_EQ(parse_promise(format_promise(given)), given);
}

TEST(StoredPromise, IsRefusedWhenChanged) {
  const auto text = format_promise({partition, Epoch{77}});
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(parse_promise(changed), std::nullopt) << changed;
    EXPECT_EQ(parse_promise(text.substr(0, i)), std::nullopt);
  }
}

}  // namespace
}  // namespace flare
