// Our flared as master of an original slave, under our index (docs/replication.md 5, docs/spec/cluster.md 5.3, 10).
#include <algorithm>
#include <utility>

#include "support/originals_cluster.h"

namespace flare::test {
namespace {

class OriginalSlave : public OriginalsCluster {
 protected:
  explicit OriginalSlave(std::vector<std::string> node_lines = {}) : OriginalsCluster(std::move(node_lines)) {}

  void start() {
    cluster_.start_index();
    cluster_.start_node(0);
    make_master(ours(0));
    original(0).start();
  }

  std::vector<std::string> prefixed() {
    std::vector<std::string> requests;
    for (const auto& exchange : original(0).exchanges()) {
      if (exchange.request.starts_with('<')) requests.push_back(exchange.request);
    }
    return requests;
  }

  void say(const std::string& bytes, const std::string& answer) {
    TextClient client{ours(0)};
    client.send(bytes);
    EXPECT_EQ(client.read_line(), answer) << bytes;
  }

  [[nodiscard]] std::string lag() const { return ask_stat(ours(0), "stats replication", "127.0.0.1:12131:lag"); }
};

TEST_F(OriginalSlave, BuildsItselfByDumpAndGetsEveryWrite) {
  shows("build by dump, writes meanwhile and afterwards", "original slave of our master");
  start();
  for (int i = 0; i < 300; ++i) ASSERT_EQ(set(ours(0), "k" + std::to_string(i), "value"), "STORED");
  make_slave(original(0).address());
  for (int i = 200; i < 400; ++i) ASSERT_EQ(set(ours(0), "k" + std::to_string(i), "later"), "STORED");
  EXPECT_TRUE(equal(ours(0), original(0)));
  EXPECT_EQ(original(0).records().size(), 400U);
  EXPECT_EQ(ask_stat(ours(0), "stats replication", "127.0.0.1:12131:class"), "original");
  EXPECT_TRUE(eventually([this] { return lag() == "0"; }));
}

// The forms of golden/cluster-wire-replication.txt; without the names of former hops, which the log does not keep.
TEST_F(OriginalSlave, GetsTheOriginalsForms) {
  shows("set, delete, touch as in cluster-wire-replication.txt", "original slave of our master");
  start();
  make_slave(original(0).address());
  say("set key1 7 0 3\r\nabc\r\n", "STORED");
  say("set key1 7 0 3\r\nabd\r\n", "STORED");
  say("add key9 0 0 1\r\n5\r\n", "STORED");
  say("incr key9 2\r\n", "7");
  say("append key9 0 0 1\r\n0\r\n", "STORED");
  say("touch key1 1895522008\r\n", "TOUCHED");
  say("set key2 0 -1 1\r\nx\r\n", "STORED");
  say("set key3 0 0 1\r\nx\r\n", "STORED");
  say("delete key3\r\n", "DELETED");
  const std::string own = "<127.0.0.1:12121>";
  const std::vector<std::string> expected{
      own + "set key1 7 0 3 1\r\nabc",     own + "set key1 7 0 3 2\r\nabd", own + "set key9 0 0 1 1\r\n5",
      own + "set key9 0 0 1 2\r\n7",       own + "set key9 0 0 2 3\r\n70",  own + "touch key1 1895522008",
      own + "set key2 0 2592001 1 1\r\nx", own + "set key3 0 0 1 1\r\nx",   own + "delete key3 0 1"};
  EXPECT_TRUE(eventually([&] { return prefixed().size() >= expected.size(); }));
  EXPECT_EQ(prefixed(), expected);
}

TEST_F(OriginalSlave, IsToldWhatWasDeletedBeforeItsBuild) {
  shows("remembered deletions after the build: no key comes back", "original slave of our master");
  start();
  make_slave(original(0).address());
  ASSERT_EQ(set(ours(0), "gone", "x"), "STORED");
  ASSERT_TRUE(equal(ours(0), original(0)));
  role(original(0).address(), "proxy 0 -1");
  ASSERT_TRUE(is(original(0).address(), "proxy", "active"));
  say("delete gone\r\n", "DELETED");
  EXPECT_EQ(original(0).records().size(), 1U) << "a proxy keeps what it has";
  make_slave(original(0).address());
  EXPECT_TRUE(equal(ours(0), original(0))) << "docs/spec/cluster.md 6.1: a build deletes nothing";
}

TEST_F(OriginalSlave, ThatHangsGetsTheRestFromTheLog) {
  shows("frozen while 500 writes are acknowledged, then equal", "original slave of our master");
  start();
  make_slave(original(0).address());
  original(0).freeze(true);
  TextClient client{ours(0)};
  for (int i = 0; i < 500; ++i) {
    client.send("set k" + std::to_string(i) + " 0 0 1\r\nx\r\n");
    ASSERT_EQ(client.read_line(), "STORED");
  }
  original(0).freeze(false);
  EXPECT_TRUE(equal(ours(0), original(0)));
}

TEST_F(OriginalSlave, TakesOverWhenOurMasterIsKilledAndGivesBack) {
  shows("failover to the original, return, failover back", "our master, original slave, and the reverse");
  start();
  make_slave(original(0).address());
  ASSERT_EQ(set(ours(0), "before", "1"), "STORED");
  ASSERT_TRUE(equal(ours(0), original(0)));
  cluster_.node_process(0).kill();
  ASSERT_TRUE(is(original(0).address(), "master", "active"));
  ASSERT_TRUE(know_the_map({original(0).address()}));
  ASSERT_EQ(set(original(0).address(), "between", "2"), "STORED");

  cluster_.start_node(0);
  ASSERT_TRUE(is(ours(0), "proxy", "active"));
  make_slave(ours(0));
  EXPECT_TRUE(equal(ours(0), original(0)));
  EXPECT_EQ(get(ours(0), "between"), "2");
  original(0).kill();
  ASSERT_TRUE(is(ours(0), "master", "active"));
  EXPECT_TRUE(eventually([this] { return set(ours(0), "after", "3") == "STORED"; }));
  EXPECT_EQ(get(ours(0), "before"), "1");
}

TEST_F(OriginalSlave, FlushAtTheMasterReachesIt) {
  shows("flush_all at the master", "original slave of our master");
  start();
  make_slave(original(0).address());
  ASSERT_EQ(set(ours(0), "k", "x"), "STORED");
  ASSERT_TRUE(equal(ours(0), original(0)));
  say("flush_all\r\n", "OK");
  EXPECT_TRUE(eventually([this] { return original(0).records().empty(); }));
}

TEST_F(OriginalSlave, ProxyForwardsToOurMasterAndReadsFromUs) {
  shows("forwarded writes and reads", "original proxy, our master");
  start();
  EXPECT_EQ(set(original(0).address(), "key1", "abd"), "STORED");
  EXPECT_EQ(get(original(0).address(), "key1"), "abd");
  TextClient client{original(0).address()};
  client.send("incr none 1\r\n");
  EXPECT_EQ(client.read_line(), "NOT_FOUND");
}

TEST_F(OriginalSlave, BecomesTheMasterOfANewPartition) {
  shows("split: old master ours, new master an original", "original master of partition 1");
  start();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(set(ours(0), "k" + std::to_string(i), "v"), "STORED");
  role(original(0).address(), "master 1 1");
  ASSERT_TRUE(is(original(0).address(), "master", "ready"));
  for (int i = 50; i < 150; ++i) ASSERT_EQ(set(ours(0), "k" + std::to_string(i), "w"), "STORED");
  const auto moved_are_there = [this] {
    const auto here = records_of(ours(0));
    const auto there = original(0).records();
    return std::all_of(here.begin(), here.end(), [&](const auto& entry) {
      const auto found = there.find(entry.first);
      if (original_partition(entry.first, 2) != 1) return found == there.end();
      return found != there.end() && found->second == entry.second;
    });
  };
  EXPECT_TRUE(eventually(moved_are_there));
  ASSERT_EQ(cluster_.ask_index("node state 127.0.0.1 12131 active"), "OK");
  ASSERT_TRUE(know_the_map({ours(0), original(0).address()}));
  for (int i = 0; i < 150; ++i) {
    EXPECT_EQ(get(ours(0), "k" + std::to_string(i)), i < 50 ? "v" : "w") << i;
  }
}

// docs/replication.md 9: an original slave may be promoted, so a sync write waits for it as for one of ours.
class SyncOriginalSlave : public OriginalSlave {
 protected:
  SyncOriginalSlave() : OriginalSlave({"replication-type = sync"}) {}

  [[nodiscard]] bool is_in_sync(const std::string& answer) const {
    return eventually([&] { return ask_stat(ours(0), "stats replication", "127.0.0.1:12131:in_sync") == answer; });
  }
};

TEST_F(SyncOriginalSlave, HasWhatWasToldStored) {
  shows("sync: STORED when the original has answered", "original slave of our master");
  start();
  make_slave(original(0).address());
  ASSERT_TRUE(is_in_sync("1"));
  for (int i = 0; i < 200; ++i) {
    const auto key = "k" + std::to_string(i);
    ASSERT_EQ(set(ours(0), key, "v"), "STORED");
    ASSERT_TRUE(original(0).records().contains(key)) << key << " was told STORED without it";
  }
}

TEST_F(SyncOriginalSlave, ThatIsSilentLeavesAndComesBack) {
  shows("sync: a frozen original leaves the in-sync set, thawed it is in it again", "original slave of our master");
  start();
  make_slave(original(0).address());
  ASSERT_TRUE(is_in_sync("1"));
  original(0).freeze(true);
  EXPECT_EQ(set(ours(0), "k", "v"), "STORED") << "as soon as the index has stored that it cannot be promoted";
  EXPECT_TRUE(is_in_sync("0"));
  original(0).freeze(false);
  EXPECT_TRUE(equal(ours(0), original(0)));
  ASSERT_TRUE(is_in_sync("1"));
  ASSERT_EQ(set(ours(0), "last", "v"), "STORED");
  cluster_.node_process(0).kill();
  EXPECT_TRUE(is(original(0).address(), "master", "active"));
  EXPECT_EQ(get(original(0).address(), "last"), "v");
}

}  // namespace
}  // namespace flare::test
