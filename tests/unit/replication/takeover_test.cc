// docs/replication.md 7: when a new partition's master may serve.
#include "flared/replication/takeover.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

constexpr PartitionId first{0};
constexpr PartitionId second{1};

Position at(std::uint64_t sequence, std::uint64_t log_id = 7) { return {LogId{log_id}, Epoch{1}, Sequence{sequence}}; }

Takeover of_two() {
  Takeover takeover;
  takeover.begin_with(first);
  takeover.begin_with(second);
  return takeover;
}

TEST(Takeover, NeedsTheLastPositionOfEachSource) {
  auto takeover = of_two();
  takeover.on_progress(first, at(10));
  takeover.on_progress(second, at(20, 8));
  EXPECT_FALSE(takeover.complete()) << "nobody has said where it stopped";
  takeover.on_handover(first, at(10));
  EXPECT_FALSE(takeover.complete());
  takeover.on_handover(second, at(21, 8));
  EXPECT_FALSE(takeover.complete()) << "one behind";
  EXPECT_FALSE(takeover.is_open(first));
  EXPECT_TRUE(takeover.is_open(second));
  takeover.on_progress(second, at(22, 8));
  EXPECT_TRUE(takeover.complete());
}

TEST(Takeover, AStreamOfAnotherHistorySaysNothing) {
  Takeover takeover;
  takeover.begin_with(first);
  takeover.on_handover(first, at(10));
  takeover.on_progress(first, at(900, 9));
  EXPECT_FALSE(takeover.complete());
  EXPECT_TRUE(takeover.must_ask(first, at(900, 9)));
  takeover.on_handover(first, at(900, 9));
  EXPECT_FALSE(takeover.must_ask(first, at(900, 9)));
  EXPECT_TRUE(takeover.complete());
}

TEST(Takeover, GoesOnWithoutASourceThatIsGone) {
  auto takeover = of_two();
  takeover.on_handover(first, at(1));
  takeover.on_progress(first, at(1));
  takeover.go_on_without(second);
  EXPECT_TRUE(takeover.complete());
  takeover.on_handover(second, at(1));
  EXPECT_FALSE(takeover.must_ask(second, at(1)));
  EXPECT_TRUE(takeover.complete());
}

}  // namespace
}  // namespace flare
