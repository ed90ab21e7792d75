// Option proxy-read-error (docs/spec/cluster.md 9.11): what a client hears of keys whose node does not answer.
#include <gtest/gtest.h>

#include <csignal>

#include "support/binary_client.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using Lines = std::vector<std::string>;

constexpr std::size_t lost_node = 1;
constexpr std::size_t proxy = 2;
constexpr const char* failure = "SERVER_ERROR proxy failure";

class ReadError : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // Two partitions, of which the second has lost its only node.
  void SetUp() override {
    cluster_.start();
    cluster_.make_master(0);
    ASSERT_EQ(cluster_.ask_index("node role 127.0.0.1 12122 master 1 1"), "OK");
    ASSERT_TRUE(cluster_.becomes(lost_node, "master", "ready"));
    ASSERT_EQ(cluster_.ask_index("node state 127.0.0.1 12122 active"), "OK");
    ASSERT_TRUE(cluster_.becomes(lost_node, "master", "active"));
    ASSERT_TRUE(cluster_.settles());
    for (int number = 0; number < 40; ++number) {
      ASSERT_EQ(client().ask("set k" + std::to_string(number) + " 0 0 1\r\nv"), "STORED");
    }
    cluster_.node_process(lost_node).kill();
    find_keys();
    ASSERT_FALSE(found_.empty());
    ASSERT_FALSE(lost_.empty());
  }

  void find_keys() {
    auto asking = client();
    for (int number = 0; number < 40; ++number) {
      const auto key = "k" + std::to_string(number);
      const auto lines = asking.ask_all("get " + key);
      if (lines.back() == "END") {
        EXPECT_EQ(lines, value_of(key, "END"));
        found_ = key;
      } else {
        EXPECT_EQ(lines, Lines{failure}) << key;
        lost_ = key;
      }
    }
  }

  static Lines value_of(const std::string& key, const std::string& end) { return {"VALUE " + key + " 0 1", "v", end}; }
  [[nodiscard]] TextClient client() const { return TextClient{cluster_.node(proxy)}; }
  void set_option(const std::string& value) {
    const auto path = cluster_.config_of(cluster_.node(proxy));
    auto text = read_file(path);
    const auto at = text.find("proxy-read-error");
    write_file(path, text.replace(at, text.find('\n', at) - at, "proxy-read-error = " + value));
    cluster_.node_process(proxy).send(SIGHUP);
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(),
                    .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}, {"127.0.0.1", 12123}},
                    .node_lines = {"proxy-read-error = error"}}};
  std::string found_;  // a key of either partition
  std::string lost_;
};

TEST_F(ReadError, EndsAGetOfManyKeysBehindTheValuesThatWereFound) {
  auto asking = client();
  for (const auto& request : {"get " + lost_ + " " + found_, "get " + found_ + " nosuch" + found_ + " " + lost_,
                              "gat 0 " + lost_ + " " + found_, "gat 0 " + found_ + " " + lost_}) {
    EXPECT_EQ(asking.ask_all(request), value_of(found_, failure)) << request;
  }
  EXPECT_EQ(asking.ask_all("gets " + lost_ + " " + found_), (Lines{"VALUE " + found_ + " 0 1 1", "v", failure}));
  EXPECT_EQ(asking.ask_all("get " + found_), value_of(found_, "END")) << "the next get ends by its own keys";
  EXPECT_EQ(asking.ask("get " + found_ + "\r\nget " + lost_ + "\r\nget " + found_), "VALUE " + found_ + " 0 1");
  EXPECT_EQ(asking.read_exactly(3), "v\r\n");
  EXPECT_EQ(asking.read_line(), "END");
  EXPECT_EQ(asking.read_line(), failure);
  EXPECT_EQ(asking.read_until_end(), value_of(found_, "END"));
}

TEST_F(ReadError, IsTheAnswerOfMetaAndBinaryGets) {
  auto asking = client();
  EXPECT_EQ(asking.ask("mg " + lost_ + " v"), failure);  // without the option, too: its marks are the master's
  EXPECT_EQ(asking.ask("mg " + lost_ + " v q"), failure);
  EXPECT_EQ(asking.ask("mg " + found_ + " v"), "VA 1");
  BinaryClient binary{cluster_.node(proxy)};
  constexpr std::uint8_t get = 0x00;
  constexpr std::uint8_t quiet_get = 0x09;
  for (const auto opcode : {get, quiet_get}) {
    const auto answer = binary.ask({.opcode = opcode, .key = lost_});
    EXPECT_EQ(answer.status, 0x84);
    EXPECT_EQ(answer.value, "proxy failure");
  }
  EXPECT_EQ(binary.ask({.opcode = get, .key = found_}).value, "v");
}

TEST_F(ReadError, LooksLikeAMissAgainAfterAHangup) {
  set_option("miss");
  EXPECT_TRUE(eventually([&] { return client().ask_all("get " + lost_) == Lines{"END"}; }));
  EXPECT_EQ(client().ask_all("get " + lost_ + " " + found_), value_of(found_, "END"));
  EXPECT_EQ((BinaryClient{cluster_.node(proxy)}.ask({.opcode = 0x00, .key = lost_}).status), 1);
  set_option("error");
  EXPECT_TRUE(eventually([&] { return client().ask_all("get " + lost_) == Lines{failure}; }));
}

}  // namespace
}  // namespace flare::test
