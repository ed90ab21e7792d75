// docs/replication.md 10: how flarei asks a node how far its log goes.
#include "common/protocol/position.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

TEST(PositionRequest, NamesPartitionAndEpoch) {
  EXPECT_EQ(position_request(PartitionId{2}, Epoch{17}, PositionAsked::promise), "position 2 17\r\n");
  EXPECT_EQ(position_request(PartitionId{2}, Epoch{17}, PositionAsked::leaving), "position 2 17 leaving\r\n");
}

TEST(PositionAnswer, TellsHowFarTheLogGoes) {
  const LogPosition expected{Epoch{7}, Sequence{18446744073709551615U}};
  EXPECT_EQ(parse_position_answer("POSITION 00ffab3412cd5678 7 18446744073709551615"), expected);
  EXPECT_EQ(parse_position_answer("POSITION ff 7 18446744073709551615 more"), expected) << "later words may follow";
}

class NoPosition : public testing::TestWithParam<const char*> {};

TEST_P(NoPosition, IsToldApart) { EXPECT_FALSE(parse_position_answer(GetParam())); }

INSTANTIATE_TEST_SUITE_P(Replication_10, NoPosition,
                         testing::Values("", "ERROR", "SERVER_ERROR promised to epoch 9", "POSITION", "POSITION ff 7",
                                         "POSITION fg 7 1", "POSITION ff x 1", "POSITION ff 7 1x", "POSITION ff -1 1",
                                         "POSITION ff 7 18446744073709551616"));

TEST(LogPositions, AreComparedByEpochThenSequence) {
  const auto at = [](std::uint64_t epoch, std::uint64_t sequence) {
    return LogPosition{Epoch{epoch}, Sequence{sequence}};
  };
  EXPECT_LT(at(5, 9), at(6, 1));
  EXPECT_LT(at(5, 8), at(5, 9));
}

}  // namespace
}  // namespace flare
