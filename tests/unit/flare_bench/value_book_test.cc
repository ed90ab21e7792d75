#include "flare_bench/value_book.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace flare::bench {
namespace {

std::string value_of(const ValueBook& book, KeyNumber key, Generation generation) {
  std::string value;
  book.append(key, generation, value);
  return value;
}

class ValueBookOfSize : public testing::TestWithParam<std::size_t> {};

TEST_P(ValueBookOfSize, KnowsItsOwnValuesAndNoChangedByte) {
  const ValueBook book{GetParam()};
  constexpr KeyNumber key{123'456};
  constexpr Generation generation{0xFFFFFFF0};
  const auto value = value_of(book, key, generation);
  ASSERT_EQ(value.size(), GetParam());
  EXPECT_EQ(book.generation_of(key, value), generation);
  EXPECT_EQ(book.generation_of(KeyNumber{123'457}, value), std::nullopt) << "of another key";
  EXPECT_EQ(book.generation_of(key, value + "x"), std::nullopt);
  EXPECT_EQ(book.generation_of(key, value.substr(1)), std::nullopt);
  for (std::size_t place = 0; place < value.size(); place += 1 + value.size() / 200) {
    auto changed = value;
    changed[place] = static_cast<char>(changed[place] ^ 1);
    EXPECT_NE(book.generation_of(key, changed), generation) << place;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, ValueBookOfSize, testing::Values(16, 17, 100, 4096, 65'536));

TEST(ValueBook, IsTheSameInEachRunButNotForTwoGenerations) {
  const ValueBook first{100};
  const ValueBook second{100};
  EXPECT_EQ(value_of(first, KeyNumber{1}, Generation{1}), value_of(second, KeyNumber{1}, Generation{1}));
  EXPECT_NE(value_of(first, KeyNumber{1}, Generation{1}), value_of(first, KeyNumber{1}, Generation{2}));
}

TEST(ValueBook, RefusesValuesThatCannotTellWhoseTheyAre) { EXPECT_THROW(ValueBook{15}, std::invalid_argument); }

TEST(KeyNames, AreAllOfOneLengthAndKnownAgain) {
  const KeyNames names{"user:", 32};
  std::string name;
  names.append(KeyNumber{4'294'967'295}, name);
  EXPECT_EQ(name, "user:000000000000000004294967295");
  EXPECT_TRUE(names.is_name_of(name, KeyNumber{4'294'967'295}));
  EXPECT_FALSE(names.is_name_of(name, KeyNumber{429'496'729}));
  EXPECT_FALSE(names.is_name_of("userx000000000000000004294967295", KeyNumber{4'294'967'295}));
  EXPECT_FALSE(names.is_name_of(name + "5", KeyNumber{4'294'967'295}));
}

TEST(KeyNames, RefuseAPrefixThatLeavesNoRoomForTheNumber) {
  EXPECT_NO_THROW((KeyNames{"k", 11}));
  EXPECT_THROW((KeyNames{"kk", 11}), std::invalid_argument);
}

}  // namespace
}  // namespace flare::bench
