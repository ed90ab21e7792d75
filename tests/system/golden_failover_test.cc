// tests/golden/cluster-failover.txt against real daemons, with the addresses and ports of the recording.
#include <gtest/gtest.h>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"
#include "support/transcript.h"

namespace flare::test {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<Address> ports(std::uint16_t first, std::uint16_t last) {
  std::vector<Address> nodes;
  for (auto port = first; port <= last; ++port) nodes.push_back({"127.0.0.1", port});
  return nodes;
}

class GoldenFailover : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // What the recording did between its cases, each time until its effect is seen.
  void prepare(const std::string& comment) {
    if (contains(comment, "flarei: before")) start_first();
    if (contains(comment, "21301 killed; the slave with the largest balance")) first_.node_process(0).kill();
    if (contains(comment, "21301 started again")) stop_all_but_two();
    if (contains(comment, "slave 21302 killed, then 21301 killed")) kill_the_last();
    if (contains(comment, "21303 returns as proxy")) {
      first_.start_node(2);
      EXPECT_TRUE(first_.becomes(2, "proxy", "active"));
      EXPECT_TRUE(first_.settles());
    }
    if (contains(comment, "the old preserved master returns")) first_.spawn_node(0);
    if (contains(comment, "Second cluster")) start_second();
    if (contains(comment, "21501 goes on")) {
      second_.node_process(0).thaw();
      EXPECT_TRUE(second_.becomes(0, "master", "active")) << "cluster.md 9.7: only a living master displaces it";
      EXPECT_TRUE(second_.settles());
    }
  }

  void start_first() {
    first_.start();
    first_.make_master(0);
    first_.make_slave(1, 1);
    first_.make_slave(2, 3);
    first_.make_slave(3, 3);
  }

  // 21301 is a slave of weight 1 again, 21302 has weight 0; the master 21303 goes in order, then its follower 21304.
  void stop_all_but_two() {
    first_.start_node(0);
    first_.make_slave(0, 1);
    EXPECT_EQ(first_.ask_index("node role 127.0.0.1 21302 slave 0 0"), "OK");
    EXPECT_TRUE(first_.settles());
    for (const std::size_t leaving : {2, 3}) {
      EXPECT_TRUE(first_.node_process(leaving).stop().has_value());
      EXPECT_TRUE(first_.becomes(leaving, "proxy", "down"));
      EXPECT_TRUE(first_.settles());
    }
  }

  void kill_the_last() {
    first_.node_process(1).kill();
    EXPECT_TRUE(first_.becomes(1, "proxy", "down"));
    first_.node_process(0).kill();
  }

  void start_second() {
    second_.start();
    second_.make_master(0);
    const std::string value(10'000, 'v');
    TextClient client{second_.node(0)};
    for (int number = 0; number < 20; ++number) {
      client.send("set big" + std::to_string(number) + " 0 0 10000\r\n" + value + "\r\n");
      EXPECT_EQ(client.read_line(), "STORED");
    }
    EXPECT_EQ(second_.ask_index("node role 127.0.0.1 21502 slave 1 0"), "OK");  // 200 KB at 1 KB/s: it goes on building
    EXPECT_TRUE(second_.settles());
    second_.node_process(0).freeze();
  }

  [[nodiscard]] Address target_of(const Exchange& exchange, bool is_second) const {
    if (exchange.comment.starts_with("flared 21503")) return second_.node(2);
    if (contains(exchange.comment, "flared 21303:")) return first_.node(2);
    return is_second ? second_.index() : first_.index();
  }

  // Refused without the word: the recording goes on as if it had been given (cluster.md 9.8).
  void force(const Exchange& exchange) const {
    if (exchange.sent.front() != "node role 127.0.0.1 21303 master 1 0") return;
    EXPECT_EQ(first_.ask_index(exchange.sent.front() + " force"), "OK");
  }

  TempDir folder_;
  Cluster first_{{.folder = folder_.path() / "first",
                  .index = {.name = "127.0.0.1", .port = 21300},
                  .nodes = ports(21301, 21304)}};
  Cluster second_{{.folder = folder_.path() / "second",
                   .index = {.name = "127.0.0.1", .port = 21500},
                   .nodes = ports(21501, 21503),
                   .index_lines = {"monitor-read-timeout = 1000"},
                   .node_lines = {"reconstruction-bwlimit = 1"}}};
};

TEST_F(GoldenFailover, AnswersAsTheOriginalOrAsListed) {
  Replay golden{std::string{FLARE_GOLDEN_DIR} + "/cluster-failover.txt",
                std::string{FLARE_SOURCE_DIR} + "/docs/compatibility.md"};
  std::string prepared;
  bool is_second = false;
  for (const auto& exchange : golden.exchanges()) {
    if (exchange.comment != prepared) prepare(exchange.comment);
    prepared = exchange.comment;
    is_second = is_second || contains(exchange.comment, "Second cluster");
    golden.play_at(target_of(exchange, is_second), exchange);
    force(exchange);
  }
  golden.finish();
}

}  // namespace
}  // namespace flare::test
