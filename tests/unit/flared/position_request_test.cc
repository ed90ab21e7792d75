#include "flared/position_request.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

TEST(PositionRequestWords, AreRead) {
  EXPECT_EQ(parse_position_request("3 17"), (PositionRequest{{PartitionId{3}, Epoch{17}}, false}));
  EXPECT_EQ(parse_position_request("0 17 leaving"), (PositionRequest{{PartitionId{0}, Epoch{17}}, true}));
}

TEST(PositionRequestWords, AreRefusedWhenBad) {
  for (const auto* words :
       {"", "3", "-1 4", "3 -4", "x 4", "3 x", "3 4 going", "3 4 leaving now", "3 4 5", "3 99999999999999999999"}) {
    EXPECT_EQ(parse_position_request(words), std::nullopt) << words;
  }
}

TEST(PositionAnswer, IsOneLine) {
  EXPECT_EQ(format_position({LogId{0xab}, Epoch{5}, Sequence{77}}), "POSITION 00000000000000ab 5 77\r\n");
}

}  // namespace
}  // namespace flare
