// docs/design.md 3.7: what a flush_all empties, when, and at which node.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

class Flush : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // Node 0 is the master, node 1 stays a proxy.
  void start(const std::vector<std::string>& lines = {}) {
    cluster_.emplace(ClusterPlan{.folder = folder_.path(),
                                 .index = {"127.0.0.1", 12120},
                                 .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}},
                                 .node_lines = lines});
    cluster_->start();
    cluster_->make_master(0);
    ASSERT_TRUE(cluster_->settles());
    ASSERT_TRUE(eventually([&] { return ask(0, "delete nothing") == "NOT_FOUND"; }));
  }

  std::string ask(std::size_t node, const std::string& line) { return TextClient{cluster_->node(node)}.ask(line); }
  void store(const std::string& key) { ASSERT_EQ(ask(0, "set " + key + " 0 0 1\r\nx"), "STORED"); }
  bool holds(const std::string& key) { return ask(0, "get " + key) != "END"; }

  TempDir folder_;
  std::optional<Cluster> cluster_;
};

TEST_F(Flush, WithADelayEmptiesAtItsMomentWhatIsStoredThen) {
  start();
  store("before");
  ASSERT_EQ(ask(0, "flush_all 8"), "OK");
  EXPECT_TRUE(holds("before"));
  store("meanwhile");
  EXPECT_TRUE(eventually([&] { return !holds("before") && !holds("meanwhile"); }));
  store("after");
  EXPECT_TRUE(holds("after"));
}

// The second has no effect before the first would have had one: what is there when its moment is over has outlived it.
TEST_F(Flush, IsReplacedByALaterOne) {
  start();
  store("kept");
  TextClient client{cluster_->node(0)};
  client.send("flush_all 1\r\nflush_all 1000\r\n");  // together: both before the moment of the first
  for (int answer = 0; answer < 2; ++answer) ASSERT_EQ(client.read_line(), "OK");
  const auto second = [&] { return std::stoll(ask_stat(cluster_->node(0), "stats", "time")); };
  const auto past = second() + 2;
  ASSERT_TRUE(eventually([&] { return second() > past; }));
  EXPECT_TRUE(holds("kept"));
  ASSERT_EQ(ask(0, "flush_all 1"), "OK");
  EXPECT_TRUE(eventually([&] { return !holds("kept"); }));
}

TEST_F(Flush, OfATimeThatIsOverIsDoneAtOnce) {
  start();
  for (const auto* line : {"flush_all", "flush_all 0", "flush_all -1", "flush_all 2592001"}) {
    store("k");
    ASSERT_EQ(ask(0, line), "OK");
    EXPECT_FALSE(holds("k")) << line;
  }
}

// The operator tools flush a node that is still a proxy (tools.md 3.3): that must not touch the cluster's data.
TEST_F(Flush, AtAProxyConcernsItsOwnStoreOnly) {
  start();
  store("k");
  ASSERT_EQ(ask(1, "flush_all"), "OK");
  EXPECT_TRUE(holds("k"));
}

TEST_F(Flush, AtAProxyReachesTheMasterByTheOption) {
  start({"proxy-flush-all = cluster"});
  store("k");
  ASSERT_EQ(ask(1, "<h:1>flush_all"), "OK");
  EXPECT_TRUE(holds("k")) << "what a node passes on goes no further";
  ASSERT_EQ(ask(1, "flush_all"), "OK");
  EXPECT_FALSE(holds("k"));
}

TEST_F(Flush, AtAProxyTellsWhichMasterDidNotDoIt) {
  start({"proxy-flush-all = cluster"});
  cluster_->node_process(0).kill();
  const auto answer = ask(1, "flush_all");
  EXPECT_TRUE(answer.starts_with("SERVER_ERROR flush_all was not done")) << answer;
}

}  // namespace
}  // namespace flare::test
