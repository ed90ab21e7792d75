// Our flared as slave and proxy of an original master, under our index (docs/replication.md 5, cluster.md 6.1, 10).
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "support/originals_cluster.h"

namespace flare::test {
namespace {

class OriginalMaster : public OriginalsCluster {
 protected:
  explicit OriginalMaster(std::vector<std::string> node_lines = {}) : OriginalsCluster(std::move(node_lines)) {}

  void start() {
    cluster_.start_index();
    original(0).start();
    make_master(original(0).address());
    cluster_.start_node(0);
  }

  void fill(int first, int end, const std::string& value = "value") {
    for (int i = first; i < end; ++i) ASSERT_EQ(set(original(0).address(), "k" + std::to_string(i), value), "STORED");
  }

  [[nodiscard]] std::string follows(const std::string& name) const {
    return ask_stat(ours(0), "stats replication", name);
  }

  std::string say(const Address& to, const std::string& bytes) const {
    TextClient client{to};
    client.send(bytes);
    return client.read_line();
  }
};

TEST_F(OriginalMaster, IsDumpedIntoANewStoreAndFollowed) {
  shows("build by dump, writes afterwards", "our slave of an original master");
  start();
  fill(0, 300);
  make_slave(ours(0));
  fill(250, 400, "later");
  EXPECT_EQ(say(original(0).address(), "delete k7\r\n"), "DELETED");
  EXPECT_EQ(say(original(0).address(), "touch k8 1895522008\r\n"), "TOUCHED");
  EXPECT_EQ(say(original(0).address(), "set n 0 0 1\r\n5\r\n"), "STORED");
  EXPECT_EQ(say(original(0).address(), "incr n 3\r\n"), "8");
  EXPECT_TRUE(equal(ours(0), original(0)));
  EXPECT_EQ(get(ours(0), "k399"), "later");
  EXPECT_EQ(follows("follow_class"), "original");
  EXPECT_EQ(follows("snapshots_loaded"), "1");
}

TEST_F(OriginalMaster, WritesDuringTheDumpBeatIt) {
  shows("writes, deletions and touches while the dump runs", "our slave of an original master");
  start();
  fill(0, 50);
  original(0).hold_dumps(true);
  role(ours(0), "slave 1 0");
  ASSERT_TRUE(eventually([this] { return original(0).dump_runs(); }));
  fill(0, 10, "newer");
  fill(50, 60);
  EXPECT_EQ(say(original(0).address(), "delete k20\r\n"), "DELETED");
  EXPECT_EQ(say(original(0).address(), "touch k21 1895522008\r\n"), "TOUCHED");
  EXPECT_TRUE(eventually([this] { return ask_stat(ours(0), "stats", "curr_items") == "20"; }))
      << "writes go into the present store as well";
  original(0).hold_dumps(false);
  ASSERT_TRUE(is(ours(0), "slave", "active"));
  EXPECT_TRUE(eventually([this] { return records_of(ours(0)).size() == 59; }));
  const auto records = records_of(ours(0));
  EXPECT_FALSE(records.contains("k20")) << "cluster.md 9.6: what was deleted stays deleted";
  EXPECT_EQ(records.at("k21").expire_s, 1895522008) << "the dump had begun before the touch";
  EXPECT_EQ(records.at("k0").data, "newer");
  EXPECT_EQ(records.at("k30").data, "value");
}

TEST_F(OriginalMaster, WhatItLacksIsGoneAfterTheBuild) {
  shows("a build removes what the source lacks", "our slave of an original master");
  start();
  fill(0, 20);
  make_slave(ours(0));
  ASSERT_TRUE(equal(ours(0), original(0)));
  role(ours(0), "proxy 0 -1");
  ASSERT_TRUE(is(ours(0), "proxy", "active"));
  EXPECT_EQ(say(original(0).address(), "delete k3\r\n"), "DELETED");
  make_slave(ours(0));
  EXPECT_TRUE(equal(ours(0), original(0)));
}

TEST_F(OriginalMaster, ThatIsBusyIsWaitedFor) {
  shows("database busy: waits, then builds", "our slave of an original master");
  start();
  fill(0, 20);
  original(0).hold_dumps(true);
  TextClient other{original(0).address(), Milliseconds{20'000}};
  other.send("dump 0 0 1\r\n");
  ASSERT_TRUE(eventually([this] { return original(0).dump_runs(); }));
  role(ours(0), "slave 1 0");
  ASSERT_TRUE(eventually(
      [this] { return read_file(cluster_.log_of(ours(0))).find("serves another dump") != std::string::npos; }));
  original(0).hold_dumps(false);
  EXPECT_TRUE(is(ours(0), "slave", "active"));
  EXPECT_TRUE(equal(ours(0), original(0)));
}

TEST_F(OriginalMaster, ABrokenDumpIsBegunAgainByItself) {
  shows("dump breaks off three times, then goes through", "our slave of an original master");
  start();
  fill(0, 20);
  original(0).break_dumps_after(7);
  role(ours(0), "slave 1 0");
  ASSERT_TRUE(eventually([this] { return original(0).dumps_begun() >= 3; }));
  EXPECT_TRUE(is(ours(0), "slave", "prepare")) << "a half-built slave is never active";
  EXPECT_EQ(ask_stat(ours(0), "stats", "curr_items"), "0");
  original(0).break_dumps_after(-1);
  EXPECT_TRUE(is(ours(0), "slave", "active"));
  EXPECT_TRUE(equal(ours(0), original(0)));
}

// docs/replication.md 5: only the master's own writes are replication.
TEST_F(OriginalMaster, OthersPrefixedWritesAreForwarded) {
  shows("a prefixed write of a client at the slave goes to the master", "our slave of an original master");
  start();
  make_slave(ours(0));
  EXPECT_EQ(say(ours(0), "<127.0.0.1:9>set key 0 0 1 5\r\nx\r\n"), "STORED");
  EXPECT_TRUE(original(0).records().contains("key"));
  EXPECT_TRUE(equal(ours(0), original(0)));
  const auto forwarded = original(0).exchanges();
  EXPECT_TRUE(std::any_of(forwarded.begin(), forwarded.end(), [](const auto& exchange) {
    return exchange.request == "<127.0.0.1:9,127.0.0.1:12121>set key 0 0 1 5\r\nx";
  }));
}

TEST_F(OriginalMaster, HugeVersionsOfItAreTaken) {
  shows("versions above 2^40, as after a change of masters", "our slave of an original master");
  start();
  make_slave(ours(0));
  EXPECT_EQ(say(original(0).address(), "set key 0 0 1 5497558138880\r\nx\r\n"), "STORED");
  EXPECT_TRUE(equal(ours(0), original(0)));
}

TEST_F(OriginalMaster, IsSucceededByOurSlaveAndReturnsAsItsSlave) {
  shows("failover to ours, return as slave, failover back", "original master, our slave, and the reverse");
  start();
  fill(0, 50);
  make_slave(ours(0));
  ASSERT_TRUE(equal(ours(0), original(0)));
  original(0).kill();
  ASSERT_TRUE(is(ours(0), "master", "active"));
  EXPECT_TRUE(eventually([this] { return set(ours(0), "after", "2") == "STORED"; }));
  original(0).start();
  ASSERT_TRUE(is(original(0).address(), "proxy", "active"));
  make_slave(original(0).address());
  EXPECT_TRUE(equal(ours(0), original(0)));
  cluster_.node_process(0).kill();
  ASSERT_TRUE(is(original(0).address(), "master", "active"));
  ASSERT_TRUE(know_the_map({original(0).address()}));
  EXPECT_EQ(set(original(0).address(), "last", "3"), "STORED");
  EXPECT_EQ(get(original(0).address(), "after"), "2");
}

TEST_F(OriginalMaster, OurProxyForwardsInItsWords) {
  shows("forwarded writes and reads", "our proxy, original master");
  start();
  ASSERT_TRUE(know_the_map({ours(0)}));
  EXPECT_EQ(set(ours(0), "key1", "abd"), "STORED");
  EXPECT_EQ(say(ours(0), "add key9 0 0 1\r\n5\r\n"), "STORED");
  EXPECT_EQ(say(ours(0), "incr key9 2\r\n"), "7");
  EXPECT_EQ(say(ours(0), "delete key9\r\n"), "DELETED");
  EXPECT_EQ(get(ours(0), "key1"), "abd");
}

TEST_F(OriginalMaster, OurSlaveBesideAnOriginalSlave) {
  shows("both kinds as slaves at once; after the failover one follows the other", "original master, two slaves");
  start();
  fill(0, 30);
  original(1).start();
  make_slave(original(1).address());
  make_slave(ours(0), 2);
  fill(30, 60);
  ASSERT_TRUE(equal(ours(0), original(0)));
  original(0).kill();
  const Milliseconds look{200};
  ASSERT_TRUE(eventually(
      [&] { return is(ours(0), "master", "active", look) || is(original(1).address(), "master", "active", look); }));
  EXPECT_TRUE(eventually([this] { return set(ours(0), "after", "2") == "STORED"; }));
  EXPECT_TRUE(equal(ours(0), original(1)));
  EXPECT_EQ(original(1).records().size(), 61U);
}

// docs/spec/cluster.md 6.2: the dump, filtered by the future partition, and the writes that the old master sends
// itself.
TEST_F(OriginalMaster, GivesTheKeysOfANewPartitionToOurs) {
  shows("split: dump, writes meanwhile, activation", "our master of partition 1, original master of 0");
  start();
  fill(0, 100);
  fill(900, 940);
  make_slave(ours(0));
  ASSERT_TRUE(equal(ours(0), original(0)));
  role(ours(0), "proxy 0 -1");
  ASSERT_TRUE(is(ours(0), "proxy", "active"));
  for (int i = 900; i < 940; ++i) {
    ASSERT_EQ(say(original(0).address(), "delete k" + std::to_string(i) + "\r\n"), "DELETED") << "ours keeps its copy";
  }
  original(0).hold_dumps(true);
  role(ours(0), "master 1 1");
  ASSERT_TRUE(eventually([this] { return original(0).dump_runs(); }));
  fill(50, 150, "newer");
  const auto moves = [](const std::string& key) { return original_partition(key, 2) == 1; };
  int gone = 0;
  while (!moves("k" + std::to_string(gone))) ++gone;
  const auto deleted = "k" + std::to_string(gone);
  EXPECT_EQ(say(original(0).address(), "delete " + deleted + "\r\n"), "DELETED");
  EXPECT_TRUE(is(ours(0), "master", "prepare")) << "not ready before the dump has ended";
  original(0).hold_dumps(false);
  ASSERT_TRUE(is(ours(0), "master", "ready"));
  fill(150, 200);
  const auto moved_are_there = [&] {
    auto there = original(0).records();
    std::erase_if(there, [&](const auto& entry) { return !moves(entry.first); });
    return records_of(ours(0)) == there;
  };
  EXPECT_TRUE(eventually(moved_are_there));
  ASSERT_EQ(cluster_.ask_index("node state 127.0.0.1 12121 active"), "OK");
  ASSERT_TRUE(know_the_map({ours(0), original(0).address()}));
  for (int i = 0; i < 200; ++i) {
    const auto key = "k" + std::to_string(i);
    const std::string value = i >= 50 && i < 150 ? "newer" : "value";
    for (const auto& node : {ours(0), original(0).address()}) {
      EXPECT_EQ(get(node, key), key == deleted ? "END" : value) << key << " at " << key_of(node);
    }
  }
  for (int i = 900; i < 940; ++i) EXPECT_EQ(get(ours(0), "k" + std::to_string(i)), "END") << "cluster.md 9.6";
  EXPECT_EQ(set(ours(0), deleted, "again"), "STORED");
  EXPECT_EQ(get(original(0).address(), deleted), "again");
}

TEST_F(OriginalMaster, WhoseDumpForANewPartitionBreaksOffIsReadAgain) {
  shows("split: database busy, a dump that breaks off twice", "our master of partition 1, original master of 0");
  start();
  fill(0, 60);
  original(0).break_dumps_after(7);
  role(ours(0), "master 1 1");
  ASSERT_TRUE(eventually([this] { return original(0).dumps_begun() >= 3; }));
  EXPECT_TRUE(is(ours(0), "master", "prepare"));
  original(0).break_dumps_after(-1);
  ASSERT_TRUE(is(ours(0), "master", "ready"));
  for (const auto& [key, record] : original(0).records()) {
    EXPECT_EQ(records_of(ours(0)).contains(key), original_partition(key, 2) == 1) << key;
  }
}

class OriginalMasterOfASyncSlave : public OriginalMaster {
 protected:
  OriginalMasterOfASyncSlave() : OriginalMaster({"replication-type = sync"}) {}
};

// An original says nothing of what is committed.
TEST_F(OriginalMasterOfASyncSlave, IsReadAtItsSlaveWithoutWaiting) {
  shows("sync: reads at the slave, failover, writes", "our slave of an original master");
  start();
  fill(0, 20);
  make_slave(ours(0));
  fill(20, 40);
  ASSERT_TRUE(eventually([this] { return ask_stat(ours(0), "stats", "curr_items") == "40"; }));
  for (int i = 0; i < 40; ++i) ASSERT_EQ(get(ours(0), "k" + std::to_string(i)), "value") << i;
  original(0).kill();
  ASSERT_TRUE(is(ours(0), "master", "active"));
  EXPECT_TRUE(eventually([this] { return set(ours(0), "after", "2") == "STORED"; }));
  EXPECT_EQ(get(ours(0), "k0"), "value");
}

}  // namespace
}  // namespace flare::test
