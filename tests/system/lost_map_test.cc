// docs/operations.md, a lost flare.xml: cluster.md 3.1 and 9.12 (the original's nodes ignore the index for ever, or are
// sent a map without them).
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"
#include "support/tenants.h"

namespace flare::test {
namespace {

constexpr std::size_t master = 0;
constexpr std::size_t slave = 1;
constexpr Milliseconds offer_limit{40'000};

class LostMap : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void SetUp() override {
    cluster_.start();
    cluster_.make_master(master);
    cluster_.make_slave(slave);
    version_ = ask_stat(cluster_.index(), "stats", "node_map_version");
    before_ = cluster_.map();
    cluster_.index_process().kill();
    for (const auto* name : {"flare.xml", "flare.xml.1", "flare.xml.2", "flare.xml.3"}) {
      std::filesystem::remove(cluster_.data_of(cluster_.index()) / name);
    }
    cluster_.start_index();
  }

  [[nodiscard]] bool is_offered() const {
    return eventually([&] { return !ask_stat(cluster_.index(), "stats offers", version_ + ":nodes").empty(); },
                      offer_limit);
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(), .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}}}};
  std::string version_;
  std::map<std::string, NodeView> before_;
};

TEST_F(LostMap, IsOfferedByTheNodesAndAdopted) {
  EXPECT_EQ(cluster_.ask_index("node add 127.0.0.1 12199"), "SERVER_ERROR failed to add node");
  EXPECT_EQ(cluster_.ask_index("node adopt 1"), "SERVER_ERROR failed to adopt a map");
  ASSERT_TRUE(is_offered());
  EXPECT_EQ(ask_stat(cluster_.node(master), "stats", "node_map_version"), version_) << "no empty map was pushed";
  EXPECT_EQ(cluster_.ask_index("node adopt " + version_), "OK");
  EXPECT_EQ(cluster_.map(), before_);
  EXPECT_GT(std::stoull(ask_stat(cluster_.index(), "stats", "node_map_version")), std::stoull(version_));
  EXPECT_TRUE(cluster_.settles()) << "the nodes take the maps of the index again";
  EXPECT_EQ(cluster_.ask_index("node adopt " + version_), "SERVER_ERROR failed to adopt a map") << "it has one now";
  EXPECT_EQ(cluster_.ask_index("stats offers"), "END");

  cluster_.node_process(master).kill();
  EXPECT_TRUE(cluster_.becomes(slave, "master", "active")) << "it watches the nodes again";
}

TEST_F(LostMap, OutlivesARestartUntilItIsChosenToBeginAnew) {
  cluster_.index_process().kill();
  cluster_.start_index();
  EXPECT_EQ(cluster_.ask_index("node add 127.0.0.1 12199"), "SERVER_ERROR failed to add node");
  EXPECT_EQ(cluster_.ask_index("node adopt empty force"), "OK");
  EXPECT_TRUE(TextClient{cluster_.index()}.ask_all("node add 127.0.0.1 12199").back() == "END");
  cluster_.index_process().kill();
  cluster_.start_index();
  EXPECT_EQ(cluster_.map().size(), 1U);
}

/// The whole data-dir of the index is gone, the cluster id with it.
class LostIndex : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void lose(const std::string& tenant) {
    cluster_.emplace(
        ClusterPlan{.folder = folder_.path(), .tenant = tenant, .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}}});
    cluster_->start();
    cluster_->make_master(master);
    cluster_->make_slave(slave);
    ASSERT_TRUE(cluster_->settles());
    id_ = cluster_id_of(cluster_->index());
    version_ = ask_stat(cluster_->index(), "stats", "node_map_version");
    before_ = cluster_->map();
    cluster_->index_process().kill();
    for (const auto& entry : std::filesystem::directory_iterator{cluster_->data_of(cluster_->index())}) {
      std::filesystem::remove_all(entry.path());
    }
    cluster_->start_index();
    ASSERT_NE(cluster_id_of(cluster_->index()), id_) << "it takes itself for a new one";
  }

  TempDir folder_;
  std::optional<Cluster> cluster_;
  std::string id_;
  std::string version_;
  std::map<std::string, NodeView> before_;
};

TEST_F(LostIndex, OfANamedTenantTakesMapAndClusterIdByTheOperatorsWord) {
  ASSERT_NO_FATAL_FAILURE(lose("user-a"));
  const auto& index = cluster_->index();
  ASSERT_TRUE(eventually([&] { return !ask_stat(index, "stats offers", version_ + ":nodes").empty(); }, offer_limit));
  EXPECT_EQ(ask_stat(index, "stats offers", version_ + ":cluster"), id_);
  EXPECT_NE(cluster_id_of(index), id_) << "nothing is taken without the word";
  EXPECT_TRUE(cluster_->map().empty());
  EXPECT_EQ(cluster_->ask_index("node adopt " + version_), "OK");
  EXPECT_EQ(cluster_id_of(index), id_);
  EXPECT_EQ(cluster_->map(), before_);
  EXPECT_TRUE(cluster_->settles()) << "the nodes take the maps of the index again";
  EXPECT_EQ(cluster_->ask_index("node adopt " + version_), "SERVER_ERROR failed to adopt a map");

  cluster_->index_process().kill();
  cluster_->start_index();
  EXPECT_EQ(cluster_id_of(index), id_);
  EXPECT_EQ(cluster_->map(), before_);
  cluster_->node_process(master).kill();
  EXPECT_TRUE(cluster_->becomes(slave, "master", "active")) << "it watches the nodes again";
}

TEST_F(LostIndex, WithoutATenantStaysForeign) {
  ASSERT_NO_FATAL_FAILURE(lose(""));
  const auto& index = cluster_->index();
  ASSERT_TRUE(eventually(
      [&] {
        return read_file(cluster_->log_of(index)).find("is refused: it is of cluster " + id_) != std::string::npos;
      },
      offer_limit));
  EXPECT_EQ(cluster_->ask_index("stats offers"), "END");
  EXPECT_EQ(cluster_->ask_index("node adopt " + version_), "SERVER_ERROR failed to adopt a map");
  EXPECT_NE(cluster_id_of(index), id_);
}

// An index that probes often is missed soon: three times its monitor-interval, which it has told with its map.
TEST(LostMapOfABusyIndex, IsOfferedBeforeTheDefaultWouldHaveIt) {
  enter_private_network();
  constexpr std::chrono::seconds by_default{15};
  const TempDir folder;
  Cluster cluster{{.folder = folder.path(), .nodes = {{"127.0.0.1", 12121}}}};  // monitor-interval is 1 s
  cluster.start();
  cluster.make_master(master);
  ASSERT_TRUE(cluster.settles());
  const auto version = ask_stat(cluster.index(), "stats", "node_map_version");
  const auto lost_at = std::chrono::steady_clock::now();
  cluster.index_process().kill();
  std::filesystem::remove(cluster.data_of(cluster.index()) / "flare.xml");
  for (const auto* name : {"flare.xml.1", "flare.xml.2", "flare.xml.3"}) {
    std::filesystem::remove(cluster.data_of(cluster.index()) / name);
  }
  cluster.start_index();
  EXPECT_TRUE(
      eventually([&] { return !ask_stat(cluster.index(), "stats offers", version + ":nodes").empty(); }, offer_limit));
  EXPECT_LT(std::chrono::steady_clock::now() - lost_at, by_default);
}

// A whole tenant starts while its index is away: it serves as before, and the index finds it when it comes back.
TEST(StartWithoutIndex, GoesByTheCopyOfTheLastMap) {
  enter_private_network();
  const TempDir folder;
  Cluster cluster{{.folder = folder.path(),
                   .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}},
                   .node_lines = {"start-without-index = true"}}};
  cluster.start();
  cluster.make_master(master);
  cluster.make_slave(slave);
  const auto set = [&cluster] {
    TextClient client{cluster.node(slave)};
    client.send("set k 0 0 1\r\nv\r\n");
    return client.read_line();
  };
  EXPECT_EQ(set(), "STORED");
  const auto before = cluster.map();
  const auto version = ask_stat(cluster.index(), "stats", "node_map_version");
  for (const auto number : {master, slave}) {
    const auto copy = cluster.data_of(cluster.node(number)) / "flare.map";
    ASSERT_TRUE(eventually([&] { return read_file(copy).starts_with("flare-map 1 " + version + " "); }));
  }
  cluster.index_process().kill();
  for (const auto number : {master, slave}) cluster.node_process(number).kill();

  for (const auto number : {master, slave}) cluster.spawn_node(number);
  ASSERT_TRUE(
      eventually([&] { return serves(cluster.node(master)) && serves(cluster.node(slave)); }, Milliseconds{30'000}));
  EXPECT_TRUE(eventually([&] { return set() == "STORED"; })) << "through the slave, at its master";
  cluster.start_index();
  EXPECT_EQ(cluster.map(), before);
  EXPECT_EQ(cluster.ask_index("node role 127.0.0.1 12122 slave 2 0"), "OK");
  EXPECT_TRUE(cluster.settles()) << "the nodes take its maps";
}

TEST(FreshIndex, IsNotTakenForOneThatHasLostItsMap) {
  enter_private_network();
  const TempDir folder;
  Cluster cluster{{.folder = folder.path()}};
  cluster.start_index();
  cluster.index_process().kill();
  cluster.start_index();
  EXPECT_EQ(TextClient{cluster.index()}.ask_all("node add 127.0.0.1 12199").back(), "END");
}

}  // namespace
}  // namespace flare::test
