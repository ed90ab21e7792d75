#include "common/protocol/reply_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace flare {
namespace {

TEST(OutputBuffer, KeepsWhatIsAppendedWhileItGrows) {
  OutputBuffer out;
  std::string expected;
  for (int i = 0; i < 10'000; ++i) {
    out.append_number(i);
    out.append(",");
    expected += std::to_string(i) + ',';
  }
  EXPECT_EQ(out.view(), expected);
}

TEST(OutputBuffer, UsesItsMemoryAgain) {
  OutputBuffer out{1000};
  const auto capacity = out.capacity();
  const char* const begin = out.view().data();
  for (int turn = 0; turn < 100; ++turn) {
    out.append(std::string(capacity, 'x'));
    EXPECT_EQ(out.capacity(), capacity);
    EXPECT_EQ(out.view().data(), begin);
    out.clear();
  }
}

TEST(OutputBuffer, GivesMemoryBackAboveTheBoundOnly) {
  OutputBuffer out;
  out.append(std::string(10'000, 'x'));
  const auto capacity = out.capacity();
  out.clear_and_shrink(capacity);
  EXPECT_EQ(out.capacity(), capacity);
  out.clear_and_shrink(capacity - 1);
  EXPECT_EQ(out.capacity(), 0u);
  out.append("again");
  EXPECT_EQ(out.view(), "again");
}

TEST(OutputBuffer, TakesBackWhatIsTruncated) {
  OutputBuffer out;
  out.append("STORED\r\n");
  const auto size = out.size();
  out.append("VALUE");
  out.truncate(size);
  EXPECT_EQ(out.view(), "STORED\r\n");
  out.truncate(1000);
  EXPECT_EQ(out.view(), "STORED\r\n");
}

TEST(OutputBuffer, IsFilledInPlace) {
  OutputBuffer out;
  char* const room = out.prepare(3);
  room[0] = 'a';
  room[1] = 'b';
  out.commit(2);
  EXPECT_EQ(out.view(), "ab");
}

TEST(OutputBuffer, IsEmptyAfterBeingMovedFrom) {
  OutputBuffer out;
  out.append("a");
  OutputBuffer other{std::move(out)};
  EXPECT_EQ(other.view(), "a");
  out.append("b");  // NOLINT(bugprone-use-after-move): a moved-from buffer is an empty one
  EXPECT_EQ(out.view(), "b");
  other = std::move(out);
  EXPECT_EQ(other.view(), "b");
}

TEST(OutputBuffer, WritesTheLongestNumbers) {
  OutputBuffer out;
  out.append_number(std::numeric_limits<std::uint64_t>::max());
  out.append(" ");
  out.append_number(std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(out.view(), "18446744073709551615 -9223372036854775808");
}

TEST(ReplyWriter, WritesEachFormOfAnAnswer) {
  OutputBuffer out;
  append_value(out, "k1", 4294967295U, "hello");
  append_value_with_version(out, "k1", 7, "", 18446744073709551615U);
  append_dump_value(out, "dk", 6, "dv", 1, 4000000000);
  append_key(out, "dk");
  append_number_line(out, 15);
  append_stat(out, "version", "2.0.0");
  append_stat(out, "curr_items", std::uint64_t{3});
  out.append(reply::end);
  EXPECT_EQ(out.view(),
            "VALUE k1 4294967295 5\r\nhello\r\n"
            "VALUE k1 7 0 18446744073709551615\r\n\r\n"
            "VALUE dk 6 2 1 4000000000\r\ndv\r\n"
            "KEY dk\r\n15\r\nSTAT version 2.0.0\r\nSTAT curr_items 3\r\nEND\r\n");
}

}  // namespace
}  // namespace flare
