// design.md 3.6: what survives a stop of the machine, and that a node says what it could not prove.
#include <gtest/gtest.h>

#include <fstream>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::size_t node = 0;

class DurabilityMode : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void start(const std::string& durability) {
    cluster_.emplace(ClusterPlan{.folder = folder_.path(),
                                 .nodes = {{"127.0.0.1", 12121}},
                                 .node_lines = {"durability = " + durability, "storage-bucket-size = 1024"}});
    cluster_->start();
    cluster_->make_master(node);
  }
  void set_keys(int from, int to) {
    TextClient client{cluster_->node(node)};
    for (int number = from; number < to; ++number) {
      client.send("set key" + std::to_string(number) + " 0 0 5\r\nvalue\r\n");
    }
    for (int number = from; number < to; ++number) ASSERT_EQ(client.read_line(), "STORED");
  }
  void expect_keys(int to) {
    TextClient client{cluster_->node(node)};
    for (int number = 0; number < to; ++number) {
      ASSERT_EQ(client.ask_all("get key" + std::to_string(number)).size(), 3U) << number << " is lost";
    }
  }
  // The process dies, and the next one finds another boot of the machine.
  void stop_machine() {
    cluster_->node_process(node).kill();
    std::ofstream{cluster_->data_of(cluster_->node(node)) / "flare.boot"} << "another boot";
    cluster_->start_node(node);
    ASSERT_TRUE(cluster_->settles());
  }
  std::vector<std::string> stats(const std::string& words) {
    return TextClient{cluster_->node(node)}.ask_all("stats" + words);
  }

  TempDir folder_;
  std::optional<Cluster> cluster_;
};

TEST_F(DurabilityMode, GroupAnswersWhenTheDiskHasItAndRebuildsFromItsSnapshot) {
  start("group");
  set_keys(0, 500);
  const auto now = stats(" durability");
  EXPECT_EQ(stat_value(now, "durability"), "group");
  EXPECT_EQ(stat_value(now, "durable_sequence"), stat_value(now, "sequence"));
  stop_machine();
  expect_keys(500);
  EXPECT_EQ(stat_value(stats(""), "salvaged_at"), "");
}

TEST_F(DurabilityMode, GroupHandsAConnectionOverWhoseLastAnswerWaitsForTheDisk) {
  start("group");
  TextClient client{cluster_->node(node)};
  client.send("set key 0 0 5\r\nvalue\r\nrepl nonsense\r\n");
  EXPECT_EQ(client.read_line(), "STORED");
  EXPECT_TRUE(client.read_line().starts_with("CLIENT_ERROR"));
  EXPECT_TRUE(cluster_->node_process(node).running());
}

TEST_F(DurabilityMode, ProcessSalvagesAndSaysSoUntilAcknowledged) {
  start("process");
  set_keys(0, 500);
  stop_machine();
  expect_keys(500);  // nothing of this machine was really lost
  const auto told = stats("");
  EXPECT_EQ(stat_value(told, "salvaged_proven"), "500");
  EXPECT_EQ(stat_value(told, "salvaged_lost"), "0");
  EXPECT_NE(stat_value(stats(" durability"), "salvaged_at"), "");
}

}  // namespace
}  // namespace flare::test
