#include "common/protocol/answer_reader.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace flare {
namespace {

constexpr std::size_t value_bytes_max = 100;

struct Case {
  AnswerShape shape;
  std::string bytes;  // the answer, and what follows it
  std::size_t size;   // of the answer; 0: broken
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << testing::PrintToString(row.bytes); }

class Answer : public testing::TestWithParam<Case> {};

// One reader sees the bytes arrive one by one, and another all at once.
TEST_P(Answer, EndsAtTheSameByteInAnyPieces) {
  const auto& [shape, bytes, size] = GetParam();
  const auto expected = size == 0 ? AnswerScan::Kind::broken : AnswerScan::Kind::complete;
  const auto whole = AnswerReader{shape, value_bytes_max}.scan(bytes);
  EXPECT_EQ(whole.kind, expected);
  EXPECT_EQ(whole.size, size);

  AnswerReader reader{shape, value_bytes_max};
  std::size_t needed = 1;
  for (std::size_t arrived = 1; arrived <= bytes.size(); ++arrived) {
    if (arrived < needed) continue;
    const auto scan = reader.scan(std::string_view{bytes}.substr(0, arrived));
    if (scan.kind == AnswerScan::Kind::need_more) {
      ASSERT_GT(scan.bytes_needed, arrived);
      needed = scan.bytes_needed;
      continue;
    }
    EXPECT_EQ(scan.kind, expected);
    EXPECT_EQ(scan.size, size);
    return;
  }
  FAIL() << "never complete";
}

constexpr auto line = AnswerShape::line;
constexpr auto values = AnswerShape::values_until_end;
constexpr auto gat = AnswerShape::value_or_line;
constexpr auto item = AnswerShape::item;

INSTANTIATE_TEST_SUITE_P(
    Shapes, Answer,
    testing::Values(Case{line, "STORED\r\nSTORED\r\n", 8}, Case{line, "\r\n", 2}, Case{line, "15\n", 3},
                    Case{line, "SERVER_ERROR proxy error\r\nx", 26}, Case{line, std::string(70'000, 'x'), 0},
                    Case{values, "END\r\nEND\r\n", 5}, Case{values, "VALUE k 0 1\r\nx\r\nEND\r\nEND\r\n", 21},
                    Case{values, "VALUE k 0 5 7\r\nEND\r\n\r\nVALUE k 1 0\r\n\r\nEND\r\n", 42},
                    Case{values, "SERVER_ERROR no\r\nEND\r\n", 17}, Case{values, "ERROR\r\nEND\r\n", 7},
                    Case{values, "VALUE k 0 1\r\nx\r\nSERVER_ERROR no\r\nEND\r\n", 33}, Case{values, "STORED\r\n", 0},
                    Case{values, "15\r\n", 0}, Case{values, "VALUE k 0 1\r\nxyz\r\nEND\r\n", 0},
                    Case{values, "VALUE k 0 101\r\n", 0}, Case{values, "VALUE k 0 -1\r\n", 0},
                    Case{values, "VALUE k 0\r\n", 0}, Case{values, "VALUE k 0 18446744073709551615\r\n", 0},
                    Case{values, "VALUE k 0 18446744073709551614\r\n", 0}, Case{values, "VALUE k 0 1 x\r\n", 0},
                    Case{gat, "VALUE k 0 1\r\nx\r\nEND\r\n", 16}, Case{gat, "NOT_FOUND\r\nx", 11},
                    Case{gat, "SERVER_ERROR proxy error\r\n", 26}, Case{gat, "VALUE k 0 1\r\nxyz\r\n", 0},
                    Case{item, "VA 4 s4 t-1\r\nEN\r\n\r\nHD\r\n", 19}, Case{item, "VA 0\r\n\r\nHD\r\n", 8},
                    Case{item, "HD c5\r\nHD\r\n", 7}, Case{item, "EN\r\nEN\r\n", 4},
                    Case{item, "ME k exp=-1\r\nEN\r\n", 13}, Case{item, "SERVER_ERROR no\r\nEN\r\n", 17},
                    Case{item, "VA 1\r\nxyz\r\n", 0}, Case{item, "VA 101\r\n", 0}, Case{item, "VA x\r\n", 0},
                    Case{item, "VA 18446744073709551615\r\n", 0}));

TEST(AnswerShape, FollowsTheRequest) {
  const auto shape_of = [](Command command, bool with_version = false) {
    Request request;
    request.command = command;
    request.with_version = with_version;
    return answer_shape(request);
  };
  EXPECT_EQ(shape_of(Command::get), values);
  EXPECT_EQ(shape_of(Command::gets), values);
  EXPECT_EQ(shape_of(Command::gat), gat);
  EXPECT_EQ(shape_of(Command::gat, true), values);
  EXPECT_EQ(shape_of(Command::set), line);
  EXPECT_EQ(shape_of(Command::incr), line);
  EXPECT_EQ(shape_of(Command::remove), line);
  EXPECT_EQ(shape_of(Command::touch), line);
  EXPECT_EQ(shape_of(Command::item), item);
}

TEST(ValueLine, TellsItsFields) {
  const auto with = parse_value_line("VALUE k 7 3 9");
  ASSERT_TRUE(with);
  EXPECT_EQ(with->key, "k");
  EXPECT_EQ(with->flags, 7u);
  EXPECT_EQ(with->data_bytes, 3u);
  EXPECT_EQ(with->version, 9u);
  ASSERT_TRUE(parse_value_line("VALUE k 7 3"));
  EXPECT_EQ(parse_value_line("VALUE k 7 3")->version, 0u);
  for (const auto bad :
       {"", "VALUE", "VALUE k", "VALUE k 1", "VALUE k 4294967296 1", "value k 1 1", "VALUE k 1 1 1 1"}) {
    EXPECT_FALSE(parse_value_line(bad)) << bad;
  }
}

}  // namespace
}  // namespace flare
