#include "flared/replication/commit_gate.h"

#include <gtest/gtest.h>

#include <vector>

namespace flare {
namespace {

using namespace std::chrono_literals;

class Gate : public testing::Test {
 protected:
  Gate() { gate_.wait_for_slaves(); }

  CommitGate::Done note(int number) {
    return [this, number](bool committed) { told_.push_back(committed ? number : -number); };
  }

  CommitGate gate_;
  std::vector<int> told_;
};

TEST_F(Gate, AnswersAtOnceWhatIsCommitted) {
  gate_.commit(Sequence{5});
  EXPECT_TRUE(gate_.reached(Sequence{5}));
  EXPECT_FALSE(gate_.reached(Sequence{6}));
  gate_.when_reached(Sequence{5}, note(1));
  EXPECT_EQ(told_, std::vector{1});
  EXPECT_FALSE(gate_.waited_for());
}

TEST_F(Gate, AnswersThoseThatAreReachedAndNoOthers) {
  gate_.when_reached(Sequence{7}, note(2));
  gate_.when_reached(Sequence{6}, note(1));
  gate_.when_reached(Sequence{9}, note(3));
  gate_.commit(Sequence{5});
  EXPECT_TRUE(told_.empty());
  gate_.commit(Sequence{8});
  EXPECT_EQ(told_, (std::vector{1, 2}));
  EXPECT_TRUE(gate_.waited_for());
}

TEST_F(Gate, AloneAnswersAll) {
  gate_.when_reached(Sequence{9}, note(1));
  gate_.stand_alone();
  EXPECT_EQ(told_, std::vector{1});
  EXPECT_TRUE(gate_.reached(Sequence{1000}));
}

TEST_F(Gate, ThatForgetsTellsWhoWaitsThatNothingIsKnown) {
  gate_.commit(Sequence{5});
  gate_.when_reached(Sequence{9}, note(1));
  gate_.forget();
  EXPECT_EQ(told_, std::vector{-1});
  EXPECT_FALSE(gate_.reached(Sequence{5}));
}

TEST_F(Gate, TellsThoseWhosePatienceIsOver) {
  gate_.set_patience(1s);
  gate_.when_reached(Sequence{9}, note(1));
  const auto now = std::chrono::steady_clock::now();
  gate_.expire(now);
  EXPECT_TRUE(told_.empty());
  gate_.expire(now + 2s);
  EXPECT_EQ(told_, std::vector{-1});
  gate_.commit(Sequence{9});
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(Gate, CallsForAWatchWhenTheFirstWaits) {
  int calls = 0;
  gate_.on_waiting([&] { ++calls; });
  gate_.when_reached(Sequence{1}, note(1));
  gate_.when_reached(Sequence{2}, note(2));
  EXPECT_EQ(calls, 1);
  gate_.commit(Sequence{2});
  gate_.when_reached(Sequence{3}, note(3));
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace flare
