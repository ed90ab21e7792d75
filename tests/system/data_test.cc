// The commands of daily use, through every role: what is written through one node is read through all.
#include <gtest/gtest.h>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

struct Step {
  std::string sent;      // may hold several lines
  std::string expected;  // all lines that come back
};

// A whole conversation of a client; KEY stands for the key.
const std::vector<Step> conversation{
    {"get KEY\r\n", "END\r\n"},
    {"replace KEY 0 0 1\r\nr\r\n", "NOT_STORED\r\n"},
    {"append KEY 0 0 1\r\na\r\n", "NOT_STORED\r\n"},
    {"incr KEY 1\r\n", "NOT_FOUND\r\n"},
    {"touch KEY 100\r\n", "NOT_FOUND\r\n"},
    {"delete KEY\r\n", "NOT_FOUND\r\n"},
    {"add KEY 5 0 3\r\nabc\r\n", "STORED\r\n"},
    {"add KEY 5 0 3\r\nxyz\r\n", "NOT_STORED\r\n"},
    {"get KEY\r\n", "VALUE KEY 5 3\r\nabc\r\nEND\r\n"},
    {"gets KEY\r\n", "VALUE KEY 5 3 1\r\nabc\r\nEND\r\n"},
    {"append KEY 0 0 2\r\nde\r\n", "STORED\r\n"},
    {"prepend KEY 0 0 1\r\n_\r\n", "STORED\r\n"},
    {"gets KEY\r\n", "VALUE KEY 5 6 3\r\n_abcde\r\nEND\r\n"},
    {"cas KEY 1 0 2 2\r\nno\r\n", "EXISTS\r\n"},
    {"cas KEY 1 0 2 3\r\n10\r\n", "STORED\r\n"},
    {"incr KEY 5\r\n", "15\r\n"},
    {"decr KEY 6\r\n", "9\r\n"},
    {"touch KEY 1000\r\n", "TOUCHED\r\n"},
    {"replace KEY 7 0 1\r\nz\r\n", "STORED\r\n"},
    {"get KEY nosuch KEY\r\n", "VALUE KEY 7 1\r\nz\r\nVALUE KEY 7 1\r\nz\r\nEND\r\n"},
    {"gat 1000 KEY nosuch\r\n", "VALUE KEY 7 1\r\nz\r\nEND\r\n"},
    {"gats 1000 KEY nosuch KEY\r\n", "VALUE KEY 7 1 7\r\nz\r\nVALUE KEY 7 1 7\r\nz\r\nEND\r\n"},
    {"set KEY 0 0 1 noreply\r\nq\r\nget KEY\r\n", "VALUE KEY 0 1\r\nq\r\nEND\r\n"},
    {"gats 0 KEY nosuch KEY\r\n", "VALUE KEY 0 1 8\r\nq\r\nVALUE KEY 0 1 8\r\nq\r\nEND\r\n"},
    {"gat KEY 0 noreply\r\nget KEY\r\n", "VALUE KEY 0 1\r\nq\r\nEND\r\n"},
    {"delete KEY\r\n", "DELETED\r\n"},
    {"get KEY\r\n", "END\r\n"},
};

std::string with_key(std::string text, const std::string& key) {
  for (auto at = text.find("KEY"); at != std::string::npos; at = text.find("KEY", at + key.size())) {
    text.replace(at, 3, key);
  }
  return text;
}

class Data : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void start(int slave_balance) {
    cluster_.start();
    cluster_.make_master(0);
    cluster_.make_slave(1, slave_balance);
  }

  [[nodiscard]] bool all_answer(const std::string& request, const std::vector<std::string>& answer) const {
    for (const auto& node : cluster_.plan().nodes) {
      if (TextClient{node}.ask_all(request) != answer) return false;
    }
    return true;
  }

  TempDir folder_;
  Cluster cluster_{
      {.folder = folder_.path(), .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}, {"127.0.0.1", 12123}}}};
};

TEST_F(Data, IsTheSameConversationThroughMasterSlaveAndProxy) {
  start(0);  // a slave with balance 0 sends reads to the master: each client reads what it wrote
  for (std::size_t number = 0; number < cluster_.plan().nodes.size(); ++number) {
    TextClient client{cluster_.node(number)};
    const auto key = "key" + std::to_string(number);
    for (const auto& step : conversation) {
      client.send(with_key(step.sent, key));
      const auto expected = with_key(step.expected, key);
      EXPECT_EQ(client.read_exactly(expected.size()), expected) << "node " << number << ", " << step.sent;
    }
  }
}

TEST_F(Data, IsReadEverywhereWhereverItWasWritten) {
  start(1);
  for (std::size_t number = 0; number < cluster_.plan().nodes.size(); ++number) {
    const auto key = "from" + std::to_string(number);
    TextClient client{cluster_.node(number)};
    client.send("set " + key + " 3 0 2\r\nhi\r\n");
    ASSERT_EQ(client.read_line(), "STORED");
    EXPECT_TRUE(eventually([&] { return all_answer("get " + key, {"VALUE " + key + " 3 2", "hi", "END"}); })) << key;
  }
}

TEST_F(Data, AnswersPipelinedRequestsInOrderThroughAProxy) {
  start(0);
  constexpr int count = 500;
  TextClient client{cluster_.node(2)};
  std::string requests;
  std::string expected;
  for (int number = 0; number < count; ++number) {
    const auto text = std::to_string(number);
    requests += "set p" + text + " 0 0 " + std::to_string(text.size()) + "\r\n" + text + "\r\nget p" + text + "\r\n";
    expected += "STORED\r\nVALUE p" + text + " 0 " + std::to_string(text.size()) + "\r\n" + text + "\r\nEND\r\n";
  }
  client.send(requests);
  EXPECT_EQ(client.read_exactly(expected.size()), expected);
}

TEST_F(Data, IsDividedOverPartitionsAndFoundThroughAnyNode) {
  cluster_.start();
  cluster_.make_master(0);
  TextClient writer{cluster_.node(0)};
  constexpr int count = 60;
  for (int number = 0; number < count; ++number) {
    writer.send("set d" + std::to_string(number) + " 0 0 1\r\nv\r\n");
    ASSERT_EQ(writer.read_line(), "STORED");
  }
  ASSERT_EQ(cluster_.ask_index("node role 127.0.0.1 12122 master 1 1"), "OK");
  ASSERT_TRUE(cluster_.becomes(1, "master", "ready"));
  ASSERT_EQ(cluster_.ask_index("node state 127.0.0.1 12122 active"), "OK");
  for (int number = 0; number < count; ++number) {
    const auto key = "d" + std::to_string(number);
    EXPECT_TRUE(eventually([&] { return all_answer("get " + key, {"VALUE " + key + " 0 1", "v", "END"}); })) << key;
  }
}

}  // namespace
}  // namespace flare::test
