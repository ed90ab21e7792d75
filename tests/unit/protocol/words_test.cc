#include "common/protocol/words.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace flare {
namespace {

using std::string_view_literals::operator""sv;

TEST(Words, AreSeparatedByRunsOfSpacesOnly) {
  Words words{"  a   b\tc\r d  "};
  EXPECT_EQ(words.next(), "a");
  EXPECT_EQ(words.next(), "b\tc\r");
  EXPECT_FALSE(words.done());
  EXPECT_EQ(words.next(), "d");
  EXPECT_TRUE(words.done());
  EXPECT_EQ(words.next(), "");
}

TEST(Words, EndAtANul) {
  Words words{"a b\0 c"sv};
  EXPECT_EQ(words.next(), "a");
  EXPECT_EQ(words.remainder(), "b");
}

TEST(Words, RemainderIsTrimmed) {
  Words words{"stats  a  b  "};
  words.next();
  EXPECT_EQ(words.remainder(), "a  b");
  EXPECT_EQ(Words{"   "}.remainder(), "");
}

TEST(Words, NumberEndsAtTheFirstOtherByte) {
  Words words{"12abc 3-4 5"};
  EXPECT_EQ(words.next_number<int>(), 12);
  EXPECT_FALSE(words.at_number());
  EXPECT_EQ(words.next_number<int>(), std::nullopt);
  EXPECT_EQ(words.next(), "abc");
  EXPECT_TRUE(words.at_number());
  EXPECT_EQ(words.next_number<int>(), std::nullopt);  // 3-4 is one run, and no number
  EXPECT_EQ(words.next_number<int>(), 5);
  EXPECT_EQ(words.next_number<int>(), std::nullopt);
}

TEST(Words, NumberFitsItsType) {
  EXPECT_EQ(Words{"4294967295"}.next_number<std::uint32_t>(), 4294967295U);
  EXPECT_EQ(Words{"4294967296"}.next_number<std::uint32_t>(), std::nullopt);
  EXPECT_EQ(Words{"-1"}.next_number<std::uint32_t>(), std::nullopt);
  EXPECT_EQ(Words{"-1"}.next_number<std::int32_t>(), -1);
  EXPECT_EQ(Words{"-"}.next_number<std::int32_t>(), std::nullopt);
  EXPECT_EQ(Words{"+1"}.next_number<std::int32_t>(), std::nullopt);
}

TEST(Words, WrappingNumberReadsMinusNAs2To64MinusN) {
  EXPECT_EQ(Words{"7"}.next_wrapping_number(), 7U);
  EXPECT_EQ(Words{"-1"}.next_wrapping_number(), UINT64_MAX);
  EXPECT_EQ(Words{"-18446744073709551615"}.next_wrapping_number(), 1U);
  EXPECT_EQ(Words{"-18446744073709551616"}.next_wrapping_number(), std::nullopt);
  EXPECT_EQ(Words{"- 1"}.next_wrapping_number(), std::nullopt);
  EXPECT_EQ(Words{"-"}.next_wrapping_number(), std::nullopt);
  EXPECT_EQ(Words{""}.next_wrapping_number(), std::nullopt);
}

}  // namespace
}  // namespace flare
