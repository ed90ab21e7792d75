#include "flared/awaited_answers.h"

#include <gtest/gtest.h>

#include "common/protocol/reply_writer.h"

namespace flare {
namespace {

class AwaitedAnswersTest : public testing::Test {
 protected:
  std::string merged(std::string_view local) const {
    OutputBuffer out;
    answers_.merge(local, out);
    return std::string{out.view()};
  }

  asio::io_context context_{1};
  AwaitedAnswers answers_{context_.get_executor()};
};

TEST_F(AwaitedAnswersTest, StandInTheOrderOfTheirPlacesHoweverTheyCome) {
  const auto first = answers_.reserve(1);
  const auto second = answers_.reserve(1);
  const auto third = answers_.reserve(2);
  answers_.fill(third, "3");
  answers_.fill(first, "1");
  EXPECT_FALSE(answers_.complete());
  answers_.fill(second, "2");
  EXPECT_TRUE(answers_.complete());
  EXPECT_EQ(merged("abc"), "a12b3c");
}

// docs/security.md, tenants by key prefix.
TEST_F(AwaitedAnswersTest, LeaveAKeyPrefixOutOfAValueLineOnly) {
  const std::pair<std::string, std::string> cases[] = {
      {"VALUE p:k 0 9\r\nVALUE p:x\r\n", "VALUE k 0 9\r\nVALUE p:x\r\n"},
      {"VALUE q:k 0 1\r\nx\r\n", ""},  // another's: never told
      {"STORED\r\n", "STORED\r\n"},
      {"", ""},
  };
  for (const auto& [told, shown] : cases) {
    auto answers = std::make_shared<AwaitedAnswers>(context_.get_executor());
    AnswerPlace place{answers, answers->reserve(0)};
    place.key_prefix = "p:";
    place.fill(told);
    OutputBuffer out;
    answers->merge({}, out);
    EXPECT_EQ(out.view(), shown);
  }
}

// cluster.md 9.11: the values that were found are given, and that a key could not be read is said once, at the end.
TEST_F(AwaitedAnswersTest, EndAGetByTheFailureOfItsOwnKeys) {
  const auto failing = answers_.reserve(0);
  const auto found = answers_.reserve(0);
  answers_.reserve_end(0, failing);
  const auto of_next = answers_.reserve(0);
  answers_.reserve_end(0, of_next);
  answers_.fail_key(failing, reply::proxy_failure);
  answers_.fill(found, "V");
  EXPECT_FALSE(answers_.complete());
  answers_.fill(of_next, "W");
  EXPECT_TRUE(answers_.complete());
  EXPECT_EQ(merged("tail"), "V" + std::string{reply::proxy_failure} + "WEND\r\ntail");
}

}  // namespace
}  // namespace flare
