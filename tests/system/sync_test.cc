// replication-type sync and the words: an acknowledged write is on every node that could be promoted.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <thread>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/recorded_writer.h"
#include "support/socket_buffers.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::size_t master = 0;
constexpr std::size_t slave = 1;
constexpr std::size_t proxy = 2;
const std::string too_few = "SERVER_ERROR too few replicas in sync (min-sync-replicas): nothing was done";

std::string replication(const Address& node, const std::string& name) {
  return ask_stat(node, "stats replication", name);
}

std::string set_line(const std::string& key, const std::string& word = {}) {
  return "set " + key + " 0 0 5" + (word.empty() ? "" : " " + word) + "\r\nvalue\r\n";
}

std::string store(const Address& node, const std::string& key, const std::string& word = {}) {
  TextClient client{node};
  client.send(set_line(key, word));
  return client.read_line();
}

class Sync : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // A slave is silent for longer than by default before it does not count: it is frozen then, and not only slow.
  void start(std::vector<std::string> lines) {
    lines.emplace_back("sync-timeout = 2000");
    cluster_.emplace(ClusterPlan{.folder = folder_.path(),
                                 .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}, {"127.0.0.1", 12123}},
                                 .node_lines = std::move(lines)});
    cluster_->start();
    cluster_->make_master(master);
    cluster_->make_slave(slave);
    ASSERT_TRUE(in_sync(2));
  }

  [[nodiscard]] bool in_sync(int nodes) {
    return eventually([&] { return replication(cluster_->node(leader_), "in_sync_nodes") == std::to_string(nodes); });
  }

  TempDir folder_;
  std::optional<Cluster> cluster_;
  std::size_t leader_ = master;
};

TEST_F(Sync, AWriteIsStoredOnlyWhenTheSlaveHasItOrHasBeenRemoved) {
  start({"replication-type = sync"});
  const auto& node = cluster_->node(master);
  ASSERT_EQ(store(node, "before"), "STORED");
  EXPECT_EQ(replication(cluster_->node(slave), "sequence"), replication(node, "sequence"));
  cluster_->node_process(slave).freeze();
  EXPECT_EQ(store(node, "alone"), "STORED") << "after sync-timeout the slave is no copy that counts";
  EXPECT_EQ(replication(node, "in_sync_nodes"), "1");
  EXPECT_EQ(store(node, "later"), "STORED");
  cluster_->node_process(slave).thaw();
  EXPECT_TRUE(in_sync(2)) << "it comes in again when it has caught up";
}

TEST_F(Sync, AReadWaitsForWhatItMayHaveSeen) {
  start({"replication-type = sync"});
  const auto& node = cluster_->node(master);
  ASSERT_EQ(store(node, "k"), "STORED");
  cluster_->node_process(slave).freeze();
  const auto before = replication(node, "sequence");
  TextClient writer{node};
  writer.send(set_line("k"));
  // Another connection's request: only what has been done before it can be seen by it.
  ASSERT_TRUE(eventually([&] { return replication(node, "sequence") != before; }));
  TextClient reader{node};
  EXPECT_EQ(reader.ask_all("get k"), (std::vector<std::string>{"VALUE k 0 5", "value", "END"}));
  EXPECT_EQ(replication(node, "in_sync_nodes"), "1") << "what is not committed yet was shown";
  EXPECT_EQ(writer.read_line(), "STORED");
  cluster_->node_process(slave).thaw();
}

TEST_F(Sync, ASlaveShowsOnlyWhatIsCommitted) {
  start({"replication-type = sync"});
  ASSERT_EQ(store(cluster_->node(master), "k"), "STORED");
  TextClient reader{cluster_->node(slave)};
  EXPECT_EQ(reader.ask_all("get k"), (std::vector<std::string>{"VALUE k 0 5", "value", "END"}));
}

TEST_F(Sync, WithTooFewCopiesNothingIsDone) {
  start({"replication-type = sync", "min-sync-replicas = 2"});
  const auto& node = cluster_->node(master);
  ASSERT_EQ(store(node, "k"), "STORED");
  cluster_->node_process(slave).freeze();
  EXPECT_TRUE(eventually([&] { return replication(node, "in_sync_nodes") == "1"; }));
  const auto before = replication(node, "sequence");
  TextClient client{node};
  for (const auto* line : {"incr k 1", "delete k", "touch k 0 x"}) {
    const auto answer = client.ask(line);
    if (std::string{line}.starts_with("touch")) continue;  // refused by its form
    EXPECT_EQ(answer, too_few) << line;
  }
  EXPECT_EQ(store(node, "other"), too_few);
  EXPECT_EQ(store(cluster_->node(proxy), "other"), too_few) << "also through a proxy";
  EXPECT_EQ(replication(node, "sequence"), before);
  EXPECT_EQ(store(node, "other", "async"), "STORED") << "the request's own word";
  EXPECT_EQ(client.ask_all("get k").size(), 3u) << "reads go on";
  cluster_->node_process(slave).thaw();
  EXPECT_TRUE(in_sync(2));
  EXPECT_EQ(store(node, "other"), "STORED");
}

TEST_F(Sync, WithoutAnIndexToRemoveTheSlaveTheOutcomeIsToldAsUnknown) {
  start({"replication-type = sync"});
  const auto& node = cluster_->node(master);
  cluster_->index_process().freeze();
  cluster_->node_process(slave).freeze();
  TextClient client{node};
  client.send(set_line("k") + "get k\r\nversion\r\n");
  for (int answer = 0; answer < 3; ++answer) EXPECT_EQ(client.read_line(), "SERVER_ERROR replication timeout");
  EXPECT_EQ(store(node, "k", "async"), "STORED");
  EXPECT_EQ(client.ask("version"), "VERSION 2.0.0") << "the connection is in step";
  cluster_->node_process(slave).thaw();
  cluster_->index_process().thaw();
  EXPECT_TRUE(eventually([&] { return store(node, "k") == "STORED"; }));
}

TEST_F(Sync, TheWordOfARequestWaitsInAsync) {
  start({});
  const auto& node = cluster_->node(master);
  cluster_->node_process(slave).freeze();
  EXPECT_EQ(store(node, "k"), "STORED");
  EXPECT_EQ(replication(node, "in_sync_nodes"), "2") << "async waits for nobody";
  EXPECT_EQ(store(cluster_->node(proxy), "k", "sync"), "STORED") << "carried through a proxy";
  EXPECT_EQ(replication(node, "in_sync_nodes"), "1") << "the word waits until the slave does not count";
  cluster_->node_process(slave).thaw();
}

TEST_F(Sync, APositionEndsTheStreamUntilThePromiseLapses) {
  start({});
  const auto& node = cluster_->node(slave);
  ASSERT_EQ(store(cluster_->node(master), "k"), "STORED");
  EXPECT_TRUE(TextClient{node}.ask("position 0 0").starts_with("POSITION ")) << "epoch 0 promises nothing";
  EXPECT_EQ(replication(node, "follow_state"), "in_sync");
  TextClient index{node};
  index.send("position 0 100000\r\nstats replication\r\nposition 0 99999\r\n");  // together: while the promise holds
  EXPECT_TRUE(index.read_line().starts_with("POSITION "));
  EXPECT_EQ(stat_value(index.read_until_end(), "follow_state"), "idle") << "nothing is taken from the present master";
  EXPECT_EQ(index.read_line(), "SERVER_ERROR epoch 100000 of partition 0 has been promised");
  EXPECT_TRUE(index.ask("position 0 1").starts_with("SERVER_ERROR epoch 1 of partition 0 is over"));
  EXPECT_EQ(index.ask("position 1 100000"), "SERVER_ERROR this node does not hold that partition");
  EXPECT_EQ(index.ask("position x"), "CLIENT_ERROR position: <partition> <epoch> [leaving]");
  EXPECT_EQ(TextClient{cluster_->node(master)}.ask("position 0 100000"), "SERVER_ERROR this node is the master");
  EXPECT_TRUE(eventually([&] { return replication(node, "follow_state") == "in_sync"; })) << "the promise has lapsed";
}

TEST_F(Sync, NoAcknowledgedWriteIsLostWhenTheMasterIsKilledAtWork) {
  const auto seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random{seed};
  start({"replication-type = sync"});
  std::map<std::string, std::string> acknowledged;
  std::size_t leader = master;
  std::size_t follower = slave;
  const int rounds = std::getenv("FLARE_LONG_TESTS") ? 20 : 3;
  for (int round = 0; round < rounds; ++round) {
    std::atomic<bool> ended = false;
    std::atomic<std::size_t> stored_in_all = 0;
    std::vector<std::thread> writers;
    std::vector<std::map<std::string, std::string>> told(4);
    for (std::size_t number = 0; number < told.size(); ++number) {
      writers.emplace_back([&, number] {
        try {
          TextClient client{cluster_->node(leader)};
          for (int i = 0; !ended; ++i) {
            const auto key = "r" + std::to_string(round) + "w" + std::to_string(number) + "k" + std::to_string(i % 200);
            const auto value = std::to_string(i);
            client.send("set " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
            if (client.read_line() != "STORED") continue;
            told[number][key] = value;
            ++stored_in_all;
          }
        } catch (const std::runtime_error&) {
          return;  // killed: what was told until then counts
        }
      });
    }
    const auto until_kill = 1 + random() % 2000;
    EXPECT_TRUE(eventually([&] { return stored_in_all >= until_kill; })) << "writes have stopped; seed " << seed;
    cluster_->node_process(leader).kill();
    ended = true;
    for (auto& writer : writers) writer.join();
    ASSERT_TRUE(cluster_->becomes(follower, "master", "active")) << "seed " << seed;
    std::size_t count = 0;
    for (const auto& of_writer : told) count += of_writer.size();
    EXPECT_GT(count, 0u);
    const auto stored = dump_of(cluster_->node(follower));
    for (const auto& of_writer : told) {
      for (const auto& [key, value] : of_writer) {
        const auto found = stored.find(key);
        ASSERT_NE(found, stored.end()) << key << " was acknowledged and is lost; seed " << seed;
        ASSERT_GE(std::stoi(found->second.data), std::stoi(value)) << key << "; seed " << seed;
      }
    }
    cluster_->start_node(leader);
    ASSERT_TRUE(cluster_->becomes(leader, "proxy", "active"));
    cluster_->make_slave(leader);
    std::swap(leader, follower);
    leader_ = leader;
    ASSERT_TRUE(in_sync(2)) << "seed " << seed;
  }
}

// replication.md 11: it does not cost a snapshot, and nothing of it is left.
TEST_F(Sync, AnAsyncMasterThatHadWrittenAloneReturnsByItsKeysOnly) {
  start({"log-max-size = 256M"});  // it tells which keys they were
  for (const auto* key : {"common", "overwritten", "removed"}) {
    ASSERT_EQ(store(cluster_->node(master), key), "STORED");
  }
  ASSERT_TRUE(eventually([&] {
    return replication(cluster_->node(slave), "sequence") == replication(cluster_->node(master), "sequence");
  }));
  cluster_->node_process(slave).freeze();
  // More than the connection holds on its way: the last of it never reaches the slave.
  TextClient client{cluster_->node(master)};
  const std::string value(256 * 1024, 'x');
  for (std::size_t i = 0; i * value.size() < 2 * connection_bytes_max(); ++i) {
    client.send("set big" + std::to_string(i % 10) + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
    ASSERT_EQ(client.read_line(), "STORED");
  }
  for (const auto* key : {"alone", "overwritten"}) {
    client.send(set_line(key));
    ASSERT_EQ(client.read_line(), "STORED");
  }
  client.send("delete removed\r\n");
  ASSERT_EQ(client.read_line(), "DELETED");
  const auto written = std::stoi(replication(cluster_->node(master), "sequence"));
  cluster_->node_process(master).kill();
  cluster_->node_process(slave).thaw();
  ASSERT_TRUE(cluster_->becomes(slave, "master", "active"));
  const auto lost = std::to_string(written - std::stoi(replication(cluster_->node(slave), "sequence")));
  ASSERT_EQ(store(cluster_->node(slave), "later"), "STORED");
  cluster_->start_node(master);
  ASSERT_TRUE(cluster_->becomes(master, "proxy", "active"));
  cluster_->make_slave(master);
  EXPECT_TRUE(eventually([&] { return replication(cluster_->node(master), "lost_async_writes") == lost; }))
      << replication(cluster_->node(master), "lost_async_writes") << " of " << lost;
  EXPECT_EQ(replication(cluster_->node(master), "corrections"), "1");
  EXPECT_EQ(replication(cluster_->node(master), "snapshots_loaded"), "0");
  ASSERT_TRUE(eventually([&] {
    return replication(cluster_->node(slave), "sequence") == replication(cluster_->node(master), "sequence");
  }));
  const auto stored = dump_of(cluster_->node(master));
  EXPECT_EQ(stored, dump_of(cluster_->node(slave)));
  EXPECT_FALSE(stored.contains("alone"));
  EXPECT_EQ(stored.at("overwritten").version, 1u);
  EXPECT_TRUE(stored.contains("removed"));
}

TEST_F(Sync, WhatAnAsyncMasterAloneHadWrittenIsCountedWhenItReturns) {
  start({});
  ASSERT_EQ(store(cluster_->node(master), "common"), "STORED");
  ASSERT_TRUE(eventually([&] {
    return replication(cluster_->node(slave), "sequence") == replication(cluster_->node(master), "sequence");
  }));
  cluster_->node_process(slave).freeze();
  // More than the connection holds on its way: that part reaches the slave when it goes on.
  TextClient client{cluster_->node(master)};
  const std::string value(256 * 1024, 'x');
  for (std::size_t i = 0; i * value.size() < 2 * connection_bytes_max(); ++i) {
    client.send("set alone" + std::to_string(i) + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
    ASSERT_EQ(client.read_line(), "STORED");
  }
  const auto written = std::stoi(replication(cluster_->node(master), "sequence"));
  cluster_->node_process(master).kill();
  cluster_->node_process(slave).thaw();
  ASSERT_TRUE(cluster_->becomes(slave, "master", "active"));
  const auto lost = std::to_string(written - std::stoi(replication(cluster_->node(slave), "sequence")));
  ASSERT_NE(lost, "0");
  ASSERT_EQ(store(cluster_->node(slave), "later"), "STORED");
  const auto taken_over = dump_of(cluster_->node(slave));
  EXPECT_EQ(taken_over.at("common").version, 1u);
  EXPECT_GE(taken_over.at("later").version, std::uint64_t{1} << 40) << "replication.md 6: above the first master's";
  cluster_->start_node(master);
  ASSERT_TRUE(cluster_->becomes(master, "proxy", "active"));
  cluster_->make_slave(master);
  EXPECT_TRUE(eventually([&] { return replication(cluster_->node(master), "lost_async_writes") == lost; }))
      << replication(cluster_->node(master), "lost_async_writes") << " of " << lost;
  EXPECT_EQ(dump_of(cluster_->node(master)), dump_of(cluster_->node(slave)));
}

}  // namespace
}  // namespace flare::test
