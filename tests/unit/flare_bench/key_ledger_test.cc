#include "flare_bench/key_ledger.h"

#include <gtest/gtest.h>

#include <set>

namespace flare::bench {
namespace {

constexpr KeyIndex key{3};
constexpr Generation unknown{0};

Generation plus(Generation generation, int steps) {
  return Generation{static_cast<std::uint32_t>(generation) + static_cast<std::uint32_t>(steps)};
}

/// A ledger in which `key` has been set three times.
struct AfterThreeSets {
  KeyLedger ledger{10, Generation{100}};
  Generation last{};
  AfterThreeSets() {
    for (int number = 0; number < 3; ++number) {
      last = ledger.begin_set(key);
      ledger.end_set(key, true);
    }
  }
};

TEST(KeyLedger, TakesOnlyTheLastValueWhenNoSetIsOnTheWay) {
  AfterThreeSets after;
  const auto floor = after.ledger.floor(key);
  EXPECT_EQ(floor, after.last);
  EXPECT_EQ(after.ledger.judge(key, floor, after.last), Verdict::right);
  EXPECT_EQ(after.ledger.judge(key, floor, plus(after.last, -1)), Verdict::stale);
  EXPECT_EQ(after.ledger.judge(key, floor, plus(after.last, 1)), Verdict::wrong) << "nobody has written it";
}

TEST(KeyLedger, TakesOldAndNewWhileASetIsOnTheWay) {
  AfterThreeSets after;
  const auto floor = after.ledger.floor(key);
  const auto written = after.ledger.begin_set(key);
  EXPECT_TRUE(after.ledger.being_set(key));
  EXPECT_EQ(after.ledger.judge(key, floor, after.last), Verdict::right);
  EXPECT_EQ(after.ledger.judge(key, floor, written), Verdict::right);
  EXPECT_EQ(after.ledger.judge(key, floor, plus(after.last, -1)), Verdict::stale);
}

TEST(KeyLedger, FindsAValueStaleThatIsOlderThanAnEarlierAcknowledgement) {
  AfterThreeSets after;
  after.ledger.begin_set(key);
  after.ledger.end_set(key, true);
  EXPECT_EQ(after.ledger.judge(key, after.ledger.floor(key), after.last), Verdict::stale);
  EXPECT_EQ(after.ledger.judge(key, after.last, after.last), Verdict::right) << "the get was sent before";
}

TEST(KeyLedger, TakesBothAfterASetWhoseOutcomeIsNotKnown) {
  AfterThreeSets after;
  const auto doubtful = after.ledger.begin_set(key);
  after.ledger.end_set(key, false);
  EXPECT_FALSE(after.ledger.being_set(key));
  const auto floor = after.ledger.floor(key);
  EXPECT_EQ(after.ledger.judge(key, floor, after.last), Verdict::right);
  EXPECT_EQ(after.ledger.judge(key, floor, doubtful), Verdict::right);
}

TEST(KeyLedger, TakesWhatAnEarlierRunHasLeftButFromThenOnKnowsIt) {
  KeyLedger ledger{10, Generation{100}};
  EXPECT_EQ(ledger.judge(key, ledger.floor(key), Generation{77}), Verdict::right);
  EXPECT_EQ(ledger.floor(key), Generation{77});
  EXPECT_EQ(ledger.judge(key, ledger.floor(key), Generation{76}), Verdict::stale);
  EXPECT_EQ(ledger.begin_set(key), Generation{78});
}

TEST(KeyLedger, DoesNotTakeWhatASetMayReplaceForKnown) {
  KeyLedger ledger{10, Generation{100}};
  ledger.begin_set(key);
  EXPECT_EQ(ledger.judge(key, unknown, Generation{77}), Verdict::right);
  EXPECT_EQ(ledger.floor(key), unknown);
}

TEST(KeyShare, GivesEachKeyToOneThread) {
  constexpr std::uint32_t keys = 1003;
  for (const std::uint32_t threads : {1U, 2U, 3U, 16U}) {
    std::set<KeyNumber> seen;
    for (std::uint32_t number = 0; number < threads; ++number) {
      const auto share = share_of(keys, number, threads);
      for (std::uint32_t index = 0; index < share.count; ++index) {
        EXPECT_TRUE(seen.insert(share.number_of(KeyIndex{index})).second);
      }
    }
    EXPECT_EQ(seen.size(), keys);
    EXPECT_EQ(*seen.rbegin(), KeyNumber{keys - 1});
  }
}

}  // namespace
}  // namespace flare::bench
