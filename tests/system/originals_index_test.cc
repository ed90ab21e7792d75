// Our flared under an original flarei (docs/spec/cluster.md 1.3, 3, 4, 10), and the index swapped under running nodes.
#include <algorithm>
#include <utility>

#include "support/originals_cluster.h"
#include "support/tenants.h"

namespace flare::test {
namespace {

class OriginalIndex : public OriginalsCluster {
 protected:
  explicit OriginalIndex(std::vector<std::string> node_lines = {}) : OriginalsCluster(std::move(node_lines)) {}

  void TearDown() override {
    // `node insync` is how a master of ours finds out that its index knows none.
    for (const auto& complaint : original_index_.complaints()) {
      EXPECT_TRUE(complaint.starts_with("not understood: node insync ") ||
                  complaint.starts_with("not understood: hello "))
          << complaint;
    }
    OriginalsCluster::TearDown();
  }

  void start() {
    start_original_index();
    cluster_.start_node(0);
    cluster_.start_node(1);
  }
  [[nodiscard]] std::string version() const { return ask_stat(cluster_.index(), "stats", "node_map_version"); }

  [[nodiscard]] std::vector<std::string> asked() const {
    std::vector<std::string> requests;
    for (const auto& exchange : original_index_.exchanges()) requests.push_back(exchange.request);
    return requests;
  }
};

TEST_F(OriginalIndex, OurNodesJoinBuildAndReport) {
  shows("node add, meta, node state active; master and slave ours", "our flared, original flarei");
  start();
  make_master(ours(0));
  for (int i = 0; i < 50; ++i) ASSERT_EQ(set(ours(0), "k" + std::to_string(i), "v"), "STORED");
  make_slave(ours(1));
  EXPECT_TRUE(eventually([this] { return records_of(ours(1)) == records_of(ours(0)); }));
  const auto requests = asked();
  for (const auto* line : {"node add 127.0.0.1 12121", "meta", "node state 127.0.0.1 12122 active"}) {
    EXPECT_TRUE(std::find(requests.begin(), requests.end(), line) != requests.end()) << line;
  }
}

TEST_F(OriginalIndex, FailsOverBetweenOurs) {
  shows("failover, return as slave, SIGTERM", "our master and slave, original flarei");
  start();
  make_master(ours(0));
  make_slave(ours(1));
  ASSERT_EQ(set(ours(0), "k", "v"), "STORED");
  ASSERT_TRUE(eventually([this] { return records_of(ours(1)).size() == 1; }));
  cluster_.node_process(0).kill();
  ASSERT_TRUE(is(ours(1), "master", "active"));
  EXPECT_TRUE(eventually([this] { return set(ours(1), "after", "v") == "STORED"; }));
  cluster_.start_node(0);
  ASSERT_TRUE(is(ours(0), "proxy", "active"));
  make_slave(ours(0));
  EXPECT_TRUE(eventually([this] { return records_of(ours(0)) == records_of(ours(1)); }));
  cluster_.node_process(1).stop();
  ASSERT_TRUE(is(ours(0), "master", "active"));
  EXPECT_EQ(get(ours(0), "after"), "v");
}

TEST_F(OriginalIndex, RestartAfterACrashIsTriedUntilItIsTaken) {
  shows("'failed to add node' after kill -9: retried, not an exit", "our flared, original flarei");
  start();
  make_master(ours(0));
  ASSERT_EQ(set(ours(0), "k", "v"), "STORED");
  cluster_.node_process(0).freeze();  // its connections stay, so the index sees no failure before the restart
  cluster_.node_process(0).kill();
  cluster_.spawn_node(0);
  EXPECT_TRUE(eventually([this] { return get(ours(0), "k") == "v"; }));
  EXPECT_TRUE(is(ours(0), "master", "active"));
  EXPECT_TRUE(read_file(cluster_.log_of(ours(0))).find("failed to add node") != std::string::npos);
  EXPECT_TRUE(cluster_.node_process(0).running());
}

TEST_F(OriginalIndex, FailsOverBetweenOursAndOriginals) {
  shows("failover ours to original and original to ours", "mixed nodes, original flarei");
  start_original_index();
  cluster_.start_node(0);
  original(0).start();
  make_master(ours(0));
  make_slave(original(0).address());
  ASSERT_EQ(set(ours(0), "k", "v"), "STORED");
  ASSERT_TRUE(equal(ours(0), original(0)));
  cluster_.node_process(0).kill();
  ASSERT_TRUE(is(original(0).address(), "master", "active"));
  cluster_.start_node(0);
  ASSERT_TRUE(is(ours(0), "proxy", "active"));
  make_slave(ours(0));
  EXPECT_EQ(set(original(0).address(), "k2", "w"), "STORED");
  EXPECT_TRUE(equal(ours(0), original(0)));
  original(0).kill();
  ASSERT_TRUE(is(ours(0), "master", "active"));
  EXPECT_TRUE(eventually([this] { return set(ours(0), "k3", "x") == "STORED"; }));
  EXPECT_EQ(get(ours(0), "k2"), "w");
}

TEST_F(OriginalIndex, IsReplacedByOursAndBackUnderRunningNodes) {
  shows("the index is swapped over flare.xml, nothing moves, the map's version goes on",
        "original flarei, ours, and back");
  start_original_index();
  cluster_.start_node(0);
  original(0).start();
  make_master(ours(0));
  make_slave(original(0).address());
  ASSERT_EQ(set(ours(0), "k", "v"), "STORED");
  const auto nodes = cluster_.map();
  const auto before = std::stoull(version());

  original_index_.stop();
  EXPECT_EQ(set(ours(0), "without", "index"), "STORED");
  cluster_.start_index();
  // It asks the nodes whose they are, and changes nothing before it knows.
  ASSERT_TRUE(eventually([this] { return !cluster_id_of(cluster_.index()).empty(); }));
  EXPECT_EQ(cluster_.map(), nodes);
  EXPECT_GE(std::stoull(version()), before);
  ASSERT_TRUE(eventually([this] { return !cluster_id_of(cluster_.index()).empty(); }))
      << "it changes nothing before it has asked its nodes for the cluster's";
  role(original(0).address(), "slave 2 0");
  ASSERT_TRUE(know_the_map({ours(0), original(0).address()}));
  EXPECT_EQ(original(0).map().nodes.at(original(0).key()).balance, 2);

  const auto with_ours = std::stoull(version());
  const auto of_ours = cluster_.map();
  cluster_.index_process().stop();
  start_original_index();
  EXPECT_EQ(cluster_.map(), of_ours);
  EXPECT_GE(std::stoull(version()), with_ours);
  role(original(0).address(), "slave 3 0");
  ASSERT_TRUE(know_the_map({ours(0), original(0).address()}));
  EXPECT_EQ(set(ours(0), "k2", "w"), "STORED");
  EXPECT_TRUE(equal(ours(0), original(0)));
}

// docs/spec/cluster.md 1.5: accepted at any time, even if its build has not ended.
TEST_F(OriginalIndex, ThatMakesAnUnbuiltSlaveActiveReadsNoHoles) {
  shows("node state active before the build has ended: reads go to the master",
        "our slave, original flarei and master");
  original_index_.mark_down_after(1'000'000);  // probes: it would take the node down for what it answers
  start_original_index();
  original(0).start();
  make_master(original(0).address());
  for (int i = 0; i < 20; ++i) ASSERT_EQ(set(original(0).address(), "k" + std::to_string(i), "v"), "STORED");
  cluster_.start_node(0);
  original(0).hold_dumps(true);
  role(ours(0), "slave 1 0");
  ASSERT_TRUE(eventually([this] { return original(0).dump_runs(); }));
  ASSERT_EQ(cluster_.ask_index("node state 127.0.0.1 12121 active"), "OK");
  role(ours(0), "slave 1 0");
  ASSERT_TRUE(know_the_map({ours(0)}));
  original_index_.stop();
  EXPECT_EQ(TextClient{ours(0)}.ask("ping"), "SERVER_ERROR build incomplete");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(ours(0), "k" + std::to_string(i)), "v") << i;
  const auto asked = [this] {
    const auto exchanges = original(0).exchanges();
    return std::count_if(exchanges.begin(), exchanges.end(),
                         [](const auto& exchange) { return exchange.request.starts_with("get "); });
  };
  const auto forwarded = asked();
  EXPECT_GE(forwarded, 20);
  original(0).hold_dumps(false);
  EXPECT_TRUE(eventually([this] { return TextClient{ours(0)}.ask("ping") == "OK"; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(ours(0), "k" + std::to_string(i)), "v") << i;
  EXPECT_EQ(asked(), forwarded) << "it reads its own store now";
}

class SyncUnderAnOriginalIndex : public OriginalIndex {
 protected:
  SyncUnderAnOriginalIndex() : OriginalIndex({"replication-type = sync", "dismiss-silent-slaves = 2"}) {}
};

// docs/replication.md 8: the only way to say there that a slave cannot be promoted any more.
TEST_F(SyncUnderAnOriginalIndex, ASilentSlaveIsDismissedByTheOption) {
  shows("dismiss-silent-slaves: node role <slave> proxy 0 -1", "our master, original slave and flarei");
  constexpr int never = 1'000'000;
  original_index_.mark_down_after(never);
  start_original_index();
  cluster_.start_node(0);
  original(0).start();
  make_master(ours(0));
  make_slave(original(0).address());
  ASSERT_EQ(set(ours(0), "k", "v"), "STORED");
  ASSERT_TRUE(original(0).records().contains("k")) << "told STORED without the slave";
  const std::string dismissal = "node role 127.0.0.1 12131 proxy 0 -1";
  const auto requests = asked();
  ASSERT_TRUE(std::find(requests.begin(), requests.end(), dismissal) == requests.end());
  original(0).freeze(true);
  EXPECT_TRUE(eventually([this] { return set(ours(0), "k2", "v") == "STORED"; }));
  // The map that follows from it may be there before the answer to it.
  EXPECT_TRUE(eventually([&] {
    const auto later = asked();
    return std::find(later.begin(), later.end(), dismissal) != later.end();
  }));
  original(0).freeze(false);
}

}  // namespace
}  // namespace flare::test
