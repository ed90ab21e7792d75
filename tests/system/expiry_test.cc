// Issue 6.7, design.md 3.9: expiry on a whole cluster, and deletions that are remembered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::size_t master = 0;
constexpr std::size_t slave = 1;
constexpr std::size_t proxy = 2;
constexpr int mortal = 300;
constexpr int lasting = 100;
constexpr int life_s = 20;                  // of a mortal: the sweep begins a minute after the start in any case
constexpr Milliseconds life_limit{60'000};  // until it is over
constexpr Milliseconds sweep_limit{150'000};

class Expiry : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void SetUp() override {
    cluster_.start();
    cluster_.make_master(master);
    cluster_.make_slave(slave);
    ASSERT_TRUE(cluster_.settles());
  }
  void store(const std::string& prefix, int count, int exptime_s) {
    TextClient client{cluster_.node(proxy)};
    const std::string value(1000, 'v');
    for (int number = 0; number < count; ++number) {
      client.send("set " + prefix + std::to_string(number) + " 0 " + std::to_string(exptime_s) + " 1000\r\n" + value +
                  "\r\n");
    }
    for (int number = 0; number < count; ++number) ASSERT_EQ(client.read_line(), "STORED");
  }
  [[nodiscard]] std::string stat(std::size_t node, const std::string& words, const std::string& name) const {
    return ask_stat(cluster_.node(node), words, name);
  }
  [[nodiscard]] std::uint64_t number(std::size_t node, const std::string& words, const std::string& name) const {
    const auto text = stat(node, words, name);
    return text.empty() ? 0 : std::stoull(text);
  }
  [[nodiscard]] bool same_position() const {
    return stat(slave, "stats replication", "sequence") == stat(master, "stats replication", "sequence");
  }
  [[nodiscard]] bool shows(std::size_t node, const std::string& key) const {
    return TextClient{cluster_.node(node)}.ask_all("get " + key).size() == 3;
  }
  [[nodiscard]] int dumped(std::size_t node) const {
    const auto lines = TextClient{cluster_.node(node)}.ask_all("dump");
    return static_cast<int>(
        std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.starts_with("VALUE "); }));
  }
  // curr_items of both.
  [[nodiscard]] bool both_hold(int items) const {
    return stat(master, "stats", "curr_items") == std::to_string(items) &&
           stat(slave, "stats", "curr_items") == std::to_string(items);
  }

  TempDir folder_;
  Cluster cluster_{
      {.folder = folder_.path(),
       .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}, {"127.0.0.1", 12123}},
       .node_lines = {"storage-bucket-size = 4096", "expiry-sweep-interval = 1", "expiry-sweep-delay = 10"}}};
};

TEST_F(Expiry, IsSeenByTimeEverywhereAndSweptByTheMastersLoggedDeletes) {
  store("stays", lasting, 0);
  store("goes", mortal, life_s);
  ASSERT_TRUE(eventually([&] { return both_hold(lasting + mortal) && same_position(); }));
  EXPECT_NE(cluster_.view(slave).value().balance, "0") << "it answers gets from its own store";
  for (const auto node : {master, slave, proxy}) EXPECT_TRUE(shows(node, "goes299")) << node;
  const auto logged_before = number(master, "stats replication", "sequence");

  // One second is one second: who is asked then has it no more, though nothing was removed.
  ASSERT_TRUE(eventually([&] { return !shows(master, "goes299"); }, life_limit));
  for (const auto node : {slave, proxy}) EXPECT_FALSE(shows(node, "goes299")) << node;
  EXPECT_TRUE(both_hold(lasting + mortal));
  EXPECT_EQ(number(master, "stats replication", "sequence"), logged_before);
  for (const auto node : {master, slave}) EXPECT_EQ(dumped(node), lasting) << node;

  ASSERT_TRUE(eventually([&] { return both_hold(lasting) && same_position(); }, sweep_limit));
  EXPECT_EQ(number(master, "stats replication", "sequence"), logged_before + mortal) << "one delete each";
  EXPECT_EQ(number(master, "stats quota", "reclaimed"), std::uint64_t{mortal});
  EXPECT_EQ(number(slave, "stats quota", "reclaimed"), 0U) << "only the master removes";

  const auto files = std::pair{number(master, "stats", "bytes"), number(slave, "stats", "bytes")};
  store("next", mortal, 0);
  ASSERT_TRUE(eventually([&] { return both_hold(lasting + mortal) && same_position(); }));
  EXPECT_LE(number(master, "stats", "bytes"), files.first) << "what expired gave its room back";
  EXPECT_LE(number(slave, "stats", "bytes"), files.second);
}

/// How a node ends before it starts again.
class RememberedDeletion : public Expiry, public testing::WithParamInterface<bool> {
 protected:
  void end(std::size_t node) {
    if (GetParam()) {
      ASSERT_TRUE(cluster_.node_process(node).stop());
    } else {
      cluster_.node_process(node).kill();
    }
  }
  void remove(const std::string& key) {
    TextClient client{cluster_.node(master)};
    for (const char* value : {"1", "2"}) ASSERT_EQ(client.ask("set " + key + " 0 0 1\r\n" + value), "STORED");
    ASSERT_EQ(client.ask("delete " + key + " 600"), "DELETED");
  }
  void expect_remembered(std::size_t node, const std::string& key) {
    TextClient client{cluster_.node(node)};
    EXPECT_EQ(client.ask("add " + key + " 0 0 1\r\n3"), "NOT_STORED") << "the hold of " << key;
    EXPECT_EQ(client.ask("set " + key + " 0 0 1\r\n4"), "STORED");
    const auto line = client.ask_all("gets " + key).front();
    EXPECT_GE(std::stoull(line.substr(line.rfind(' ') + 1)), 3U) << "versions go on, above a former master's";
  }
};

TEST_P(RememberedDeletion, OutlivesARestartOfASlaveThatWasBuiltAndIsPromoted) {
  ASSERT_EQ(cluster_.ask_index("node role 127.0.0.1 12122 proxy 0 -1"), "OK");
  ASSERT_TRUE(cluster_.becomes(slave, "proxy", "active"));
  ASSERT_TRUE(cluster_.settles()) << "a node that takes itself for a slave refuses a flush";
  ASSERT_EQ(TextClient{cluster_.node(slave)}.ask("flush_all"), "OK");  // as the operator's tools do: it needs all
  remove("snapshot");
  cluster_.make_slave(slave);
  remove("log");
  ASSERT_TRUE(eventually([&] { return same_position(); }));
  ASSERT_EQ(stat(slave, "stats replication", "snapshots_loaded"), "2");

  end(slave);
  cluster_.start_node(slave);
  ASSERT_TRUE(cluster_.becomes(slave, "proxy", "active"));
  cluster_.make_slave(slave);
  ASSERT_TRUE(eventually([&] { return same_position(); }));
  ASSERT_EQ(stat(slave, "stats replication", "snapshots_loaded"), "0") << "it knows by itself";
  cluster_.node_process(master).kill();
  ASSERT_TRUE(cluster_.becomes(slave, "master", "active"));
  ASSERT_TRUE(eventually([&] { return TextClient{cluster_.node(slave)}.ask("delete none") == "NOT_FOUND"; }));
  for (const char* key : {"snapshot", "log"}) expect_remembered(slave, key);
}

TEST_P(RememberedDeletion, OutlivesARestartOfAMasterAlone) {
  end(slave);
  ASSERT_TRUE(cluster_.becomes(slave, "proxy", "down"));
  remove("k");
  end(master);
  cluster_.start_node(master);
  ASSERT_TRUE(cluster_.becomes(master, "master", "active"));
  ASSERT_TRUE(eventually([&] { return TextClient{cluster_.node(master)}.ask("delete none") == "NOT_FOUND"; }));
  expect_remembered(master, "k");
}

INSTANTIATE_TEST_SUITE_P(Design_3_9, RememberedDeletion, testing::Bool(),
                         [](const auto& given) { return given.param ? "stopped" : "killed"; });

}  // namespace
}  // namespace flare::test
