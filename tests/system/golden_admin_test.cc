// tests/golden/cluster-flarei-admin.txt against a flarei and, where it names them, real flareds, with the addresses
// and ports it was recorded with: the test has a network of its own.
#include <gtest/gtest.h>

#include <csignal>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"
#include "support/transcript.h"

namespace flare::test {
namespace {

constexpr int keys_in_recording = 50;
constexpr const char* patient = "monitor-threshold = 1000";

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class GoldenAdmin : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  GoldenAdmin()
      : cluster_{{.folder = folder_.path(),
                  .index = {.name = "127.0.0.1", .port = 21120},
                  .nodes = {{"127.0.0.1", 21121}, {"127.0.0.1", 21122}, {"127.0.0.1", 21123}, {"127.0.0.1", 21124}},
                  .index_lines = {patient}}} {}

  // What the recording did between its cases.
  void prepare(const Exchange& exchange) {
    if (contains(exchange.comment, "thread_type continues from 16")) {
      for (std::size_t number = 0; number < cluster_.plan().nodes.size(); ++number) cluster_.start_node(number);
    }
    if (contains(exchange.comment, "second master for partition 0")) store_keys();
    if (contains(exchange.comment, "role change while down")) {
      set_threshold(3);
      EXPECT_TRUE(eventually([&] { return cluster_.map()["127.0.0.1:21999"].state == "down"; }));
    }
  }

  // Until a case needs it down, a node that nobody has started stays active.
  void set_threshold(int probes) {
    const auto path = cluster_.config_of(cluster_.index());
    auto config = read_file(path);
    const auto line = "monitor-threshold = " + std::to_string(probes);
    write_file(path, config.replace(config.find(patient), std::string{patient}.size(), line));
    cluster_.index_process().send(SIGHUP);
  }

  void store_keys() {
    EXPECT_TRUE(eventually([&] {
      TextClient client{cluster_.node(0)};
      client.send("set key0 0 0 1\r\nv\r\n");
      return client.read_line() == "STORED";
    }));
    TextClient client{cluster_.node(0)};
    for (int number = 0; number < keys_in_recording; ++number) {
      client.send("set key" + std::to_string(number) + " 0 0 1\r\nv\r\n");
      EXPECT_EQ(client.read_line(), "STORED");
    }
  }

  [[nodiscard]] Address target_of(const Exchange& exchange) const {
    return exchange.comment.starts_with("flared 21121") ? cluster_.node(0) : cluster_.index();
  }

  // Of `stats` the recording has one line only.
  static void keep_map_version(Replay& golden, const Exchange& exchange, const Address& index) {
    TextClient client{index};
    const auto version = stat_value(client.ask_all("stats"), "node_map_version");
    golden.check(exchange, {"STAT node_map_version " + version, "END"});
  }

  TempDir folder_;
  Cluster cluster_;
};

TEST_F(GoldenAdmin, AnswersAsTheOriginalOrAsListed) {
  Replay golden{std::string{FLARE_GOLDEN_DIR} + "/cluster-flarei-admin.txt",
                std::string{FLARE_SOURCE_DIR} + "/docs/compatibility.md"};
  cluster_.start_index();
  std::string prepared;
  for (const auto& exchange : golden.exchanges()) {
    if (exchange.comment != prepared) prepare(exchange);
    prepared = exchange.comment;
    if (exchange.sent.front() == "stats") {
      keep_map_version(golden, exchange, cluster_.index());
    } else {
      golden.play_at(target_of(exchange), exchange);
    }
  }
  golden.finish();
}

}  // namespace
}  // namespace flare::test
