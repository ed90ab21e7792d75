// design.md 3.6: what survives a stop of the machine, and that a node says what it could not prove.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "support/cluster.h"
#include "support/line_server.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using testing::HasSubstr;

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

  TextClient client{cluster_->node(node)};
  EXPECT_EQ(client.ask("salvage acknowledge"), "OK");
  EXPECT_EQ(stat_value(stats(""), "salvaged_at"), "");
  EXPECT_EQ(client.ask("salvage acknowledge"), "SERVER_ERROR nothing to acknowledge");
  EXPECT_THAT(read_file(cluster_->log_of(cluster_->node(node))), HasSubstr("acknowledged by 127.0.0.1"));
}

/// An index that knows a node and does not take it in, until it is told to: as one that has not noticed a restart.
class IndexThatKeepsOut {
 public:
  IndexThatKeepsOut(const Address& own, std::string node_line)
      : node_line_{std::move(node_line)}, server_{own, [this](LineConnection& connection) { serve(connection); }} {}

  void let_in() { lets_in_ = true; }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  void serve(LineConnection& connection) {
    while (const auto line = connection.read_line()) connection.send(answer(*line));
  }
  std::string answer(const std::string& line) {
    if (line == "version") return "VERSION flare-1.3.4\r\n";
    if (line == "meta") return "META partition-size 1024\r\nEND\r\n";
    if (!line.starts_with("node add ")) return "ERROR\r\n";
    ++asked_;
    return lets_in_ ? node_line_ + "\r\nEND\r\n" : "SERVER_ERROR failed to add node\r\n";
  }

  const std::string node_line_;
  std::atomic<bool> lets_in_ = false;
  std::atomic<int> asked_ = 0;
  LineServer server_;
};

// design.md 3.6: such an index may show it as the master that it was, and slaves that have everything would follow it.
TEST_F(DurabilityMode, ANodeThatHasSalvagedRefusesMapsBeforeItHasJoined) {
  start("process");
  set_keys(0, 100);
  cluster_->index_process().kill();
  cluster_->node_process(node).kill();
  const std::string as_master = "NODE 127.0.0.1 12121 0 0 0 1 16";
  IndexThatKeepsOut index{cluster_->index(), as_master};
  std::ofstream{cluster_->data_of(cluster_->node(node)) / "flare.boot"} << "another boot";
  cluster_->spawn_node(node);
  ASSERT_TRUE(eventually([&] { return index.asked() > 0; }));
  TextClient client{cluster_->node(node)};
  const auto map = "node sync 1000\r\n" + as_master + "\r\nEND";
  EXPECT_EQ(client.ask(map), "SERVER_ERROR build incomplete");
  EXPECT_EQ(client.ask("set key0 0 0 1\r\nx"), "SERVER_ERROR no partition available");
  index.let_in();
  ASSERT_TRUE(eventually([&] { return client.ask(map) == "OK"; }));
  expect_keys(100);
}

/// A master and its slave, `durability = process`.
class MachineOfTwo : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }
  MachineOfTwo()
      : cluster_({.folder = folder_.path(),
                  .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}},
                  .node_lines = {"storage-bucket-size = 1024"}}) {
    cluster_.start();
    cluster_.make_master(0);
    cluster_.make_slave(1);
  }

  void set(std::size_t at, const std::string& key, const std::string& value) {
    ASSERT_EQ(TextClient{cluster_.node(at)}.ask("set " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value),
              "STORED");
  }
  void cut(std::size_t which) {
    cluster_.node_process(which).kill();
    std::ofstream{cluster_.data_of(cluster_.node(which)) / "flare.boot"} << "another boot";
  }
  std::string value_at(std::size_t which, const std::string& key) {
    const auto lines = TextClient{cluster_.node(which)}.ask_all("get " + key);
    return lines.size() == 3 ? lines[1] : "";
  }
  std::string salvaged_at(std::size_t which) { return ask_stat(cluster_.node(which), "stats", "salvaged_at"); }
  bool notice_is_kept(std::size_t which) {
    return std::filesystem::exists(cluster_.data_of(cluster_.node(which)) / "flare.salvaged");
  }

  TempDir folder_;
  Cluster cluster_;
};

TEST_F(MachineOfTwo, ASlaveTakesItsMastersDataAndHasNothingDoubtfulAnyMore) {
  set(0, "key", "before");
  ASSERT_TRUE(eventually([&] { return value_at(1, "key") == "before"; }, Milliseconds{10'000}));
  cut(1);
  ASSERT_TRUE(cluster_.becomes(1, "proxy", "down"));
  set(0, "key", "after");
  cluster_.start_node(1);
  EXPECT_NE(salvaged_at(1), "") << "what it could serve is doubtful";
  cluster_.make_slave(1);
  EXPECT_EQ(value_at(1, "key"), "after");
  EXPECT_EQ(salvaged_at(1), "");
  EXPECT_FALSE(notice_is_kept(1));
  EXPECT_THAT(read_file(cluster_.log_of(cluster_.node(1))), HasSubstr("the store is another node's now"));
}

TEST_F(MachineOfTwo, AMasterThatLostItsMachineLeavesItsRoleToTheSlaveThatHasEverything) {
  set(0, "key", "value");
  ASSERT_TRUE(eventually([&] { return value_at(1, "key") == "value"; }, Milliseconds{10'000}));
  cut(0);
  cluster_.start_node(0);  // at once: the index has not noticed, and takes it for a restart
  EXPECT_TRUE(cluster_.becomes(1, "master", "active"));
  EXPECT_TRUE(cluster_.becomes(0, "proxy", "active"));
  ASSERT_TRUE(cluster_.settles());
  set(1, "key", "written since");
  cluster_.make_slave(0);
  EXPECT_EQ(value_at(0, "key"), "written since");
  EXPECT_EQ(salvaged_at(0), "");
  EXPECT_EQ(ask_stat(cluster_.node(1), "stats replication", "snapshots_loaded"), "1") << "nobody built the new master";
}

TEST_F(MachineOfTwo, AfterACutOfTheWholeFarmTheLastMasterServesWhatItSalvagedAndSaysSo) {
  set(0, "key", "value");
  ASSERT_TRUE(eventually([&] { return value_at(1, "key") == "value"; }, Milliseconds{10'000}));
  cut(0);
  cut(1);
  cluster_.index_process().kill();
  cluster_.start_index();
  cluster_.start_node(0);
  cluster_.start_node(1);
  ASSERT_TRUE(eventually(
      [&] {
        for (const auto& [key, view] : cluster_.map()) {
          if (view.role == "master" && view.state == "active") return value_at(0, "key") == "value";
        }
        return false;
      },
      Milliseconds{20'000}));
  EXPECT_NE(salvaged_at(0), "");
  EXPECT_NE(salvaged_at(1), "");
  const std::size_t other = cluster_.view(0).value().role == "master" ? 1 : 0;
  ASSERT_TRUE(cluster_.becomes(other, "proxy", "active"));
  cluster_.make_slave(other);
  EXPECT_EQ(salvaged_at(other), "") << "it has its master's data";
  EXPECT_NE(salvaged_at(1 - other), "") << "until somebody acknowledges it";
}

// An index that does not ask our way (an original) may show it so (docs/replication.md 4).
TEST_F(MachineOfTwo, AnActiveSlaveWithASalvagedStoreSaysThatItIsNotBuilt) {
  set(0, "key", "value");
  cut(1);
  ASSERT_TRUE(cluster_.becomes(1, "proxy", "down"));
  set(0, "key", "newer");
  cluster_.start_node(1);
  ASSERT_TRUE(cluster_.settles());
  TextClient client{cluster_.node(1)};
  ASSERT_EQ(client.ask("ping"), "OK");
  const auto line = [&](std::size_t which, const std::string& role, int type) {
    return "NODE 127.0.0.1 " + std::to_string(cluster_.node(which).port) + " " + role + " 0 0 1 " +
           std::to_string(type) + "\r\n";
  };
  EXPECT_EQ(client.ask("node sync 1000000\r\n" + line(0, "0", 16) + line(1, "1", 17) + "END"), "OK");
  EXPECT_EQ(client.ask("ping"), "SERVER_ERROR build incomplete");
  EXPECT_EQ(value_at(1, "key"), "newer") << "of the master";
}

}  // namespace
}  // namespace flare::test
