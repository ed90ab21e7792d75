// tests/golden/cluster-flared-routing.txt against a real cluster, with the addresses and ports of the recording.
#include <gtest/gtest.h>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"
#include "support/transcript.h"

namespace flare::test {
namespace {

constexpr std::size_t master = 0;
constexpr std::size_t slave = 1;
constexpr std::size_t proxy = 2;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class GoldenRouting : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  GoldenRouting()
      : cluster_{{.folder = folder_.path(),
                  .index = {.name = "127.0.0.1", .port = 21600},
                  .nodes = {{"127.0.0.1", 21601}, {"127.0.0.1", 21602}, {"127.0.0.1", 21603}, {"127.0.0.1", 21604}}}} {}

  [[nodiscard]] std::string slave_line(int balance) const {
    return "node role 127.0.0.1 21602 slave " + std::to_string(balance) + " 0";
  }

  // The recording's nodes had version 8 by then; ours is one higher, since the slave came in sync (replication.md 8).
  [[nodiscard]] Exchange with_own_version(Exchange exchange) const {
    if (exchange.sent.front() != "node sync 8") return exchange;
    exchange.sent.front() = "node sync " + ask_stat(cluster_.node(3), "stats", "node_map_version");
    return exchange;
  }

  // Replication is asynchronous: a read at the slave tells something only when it has what the master has.
  void slave_has_all() const {
    EXPECT_TRUE(eventually([&] {
      return ask_stat(cluster_.node(slave), "stats replication", "sequence") ==
             ask_stat(cluster_.node(master), "stats replication", "sequence");
    }));
  }

  // What the recording did between its cases.
  void prepare(const std::string& comment) {
    if (contains(comment, "21603 (proxy): write is forwarded to the master")) {
      cluster_.make_master(master);
      EXPECT_EQ(cluster_.ask_index(slave_line(0)), "OK");
      EXPECT_TRUE(cluster_.becomes(slave, "slave", "active"));
      EXPECT_TRUE(cluster_.settles());
    }
    if (contains(comment, "21602 (slave, balance 1)")) {
      EXPECT_EQ(cluster_.ask_index(slave_line(1)), "OK");
      EXPECT_TRUE(cluster_.settles());
    }
  }

  // The node a case names; the first read of `loop` was at the slave, to show that it had not got the entry.
  [[nodiscard]] Address target_of(const Exchange& exchange, bool first_loop_read) const {
    if (first_loop_read) return cluster_.node(slave);
    for (const auto& node : cluster_.plan().nodes) {
      if (exchange.comment.starts_with("flared " + std::to_string(node.port))) return node;
    }
    return cluster_.node(master);
  }

  // A `node sync` without a map waits for its lines.
  void expect_silence(const Exchange& exchange) const {
    TextClient client{cluster_.node(master)};
    client.send(exchange.sent.front() + "\r\n");
    EXPECT_EQ(client.read_until_quiet(Milliseconds{300}), "");
  }

  // The recording stopped at the first line; what follows a bad NODE line is read as commands (cluster.md 3.1).
  void check_first_line(Replay& golden, const Exchange& exchange) const {
    TextClient client{cluster_.node(3)};
    for (const auto& line : exchange.sent) client.send(line + "\r\n");
    golden.check(exchange, {client.read_line()});
  }

  TempDir folder_;
  Cluster cluster_;
};

TEST_F(GoldenRouting, AnswersAsTheOriginalOrAsListed) {
  Replay golden{std::string{FLARE_GOLDEN_DIR} + "/cluster-flared-routing.txt",
                std::string{FLARE_SOURCE_DIR} + "/docs/compatibility.md"};
  cluster_.start();
  std::string prepared;
  bool loop_was_read = false;
  for (const auto& exchange : golden.exchanges()) {
    if (exchange.comment != prepared) prepare(exchange.comment);
    prepared = exchange.comment;
    if (exchange.expected.empty()) {
      expect_silence(exchange);
    } else if (contains(exchange.comment, "malformed line")) {
      check_first_line(golden, exchange);
    } else {
      const bool first_loop_read = exchange.sent.front() == "get loop" && !loop_was_read;
      loop_was_read = loop_was_read || first_loop_read;
      if (target_of(exchange, first_loop_read).port == cluster_.node(slave).port) slave_has_all();
      golden.play_at(target_of(exchange, first_loop_read), with_own_version(exchange));
    }
  }
  golden.finish();
}

}  // namespace
}  // namespace flare::test
