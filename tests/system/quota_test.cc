// docs/security.md, quotas: exact limits at the master, never against replicas, deletes and what shrinks. Counts, no
// times.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <thread>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

const std::string too_many_items = "SERVER_ERROR quota exceeded (max-items)";
const std::string too_many_bytes = "SERVER_ERROR quota exceeded (max-bytes)";
const std::string too_many_operations = "SERVER_ERROR quota exceeded (max-ops-per-second)";

std::string set(TextClient& client, const std::string& key, const std::string& value, int expire_s = 0) {
  return client.ask("set " + key + " 0 " + std::to_string(expire_s) + " " + std::to_string(value.size()) + "\r\n" +
                    value);
}

std::uint64_t figure(const Address& node, const std::string& name) {
  const auto text = ask_stat(node, "stats quota", name);
  return text.empty() ? 0 : std::stoull(text);
}

class Quota : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  Cluster& start(const std::vector<std::string>& lines, int nodes = 1, int first_port = 12121) {
    folders_.push_back(std::make_unique<TempDir>());
    ClusterPlan plan{.folder = folders_.back()->path(),
                     .index = {"127.0.0.1", static_cast<std::uint16_t>(first_port - 1)},
                     .node_lines = lines};
    for (int i = 0; i < nodes; ++i) {
      plan.nodes.push_back({"127.0.0.1", static_cast<std::uint16_t>(first_port + i)});
    }
    clusters_.push_back(std::make_unique<Cluster>(plan));
    clusters_.back()->start();
    clusters_.back()->make_master(0);
    // The map is the index's: the node follows a moment later.
    const auto leads = [&] { return TextClient{plan.nodes[0]}.ask("delete nothing") == "NOT_FOUND"; };
    if (!eventually(leads)) ADD_FAILURE() << "the node does not become master";
    return *clusters_.back();
  }

  static void change_line(Cluster& cluster, const std::string& line, const std::string& to) {
    const auto path = cluster.config_of(cluster.node(0));
    auto config = read_file(path);
    config.replace(config.find(line), line.size(), to);
    write_file(path, config);
    cluster.node_process(0).send(SIGHUP);
  }

 private:
  std::vector<std::unique_ptr<TempDir>> folders_;
  std::vector<std::unique_ptr<Cluster>> clusters_;
};

TEST_F(Quota, OfItemsHoldsExactlyAndHangupRaisesIt) {
  auto& cluster = start({"max-items = 10", "threads = 2"});
  TextClient client{cluster.node(0)};
  for (int i = 0; i < 10; ++i) ASSERT_EQ(set(client, "k" + std::to_string(i), "v"), "STORED") << i;
  EXPECT_EQ(set(client, "k10", "v"), too_many_items);
  EXPECT_EQ(client.ask("add k11 0 0 1\r\nv"), too_many_items);
  EXPECT_EQ(set(client, "k3", "a longer value than before"), "STORED") << "it is no new item";
  EXPECT_EQ(client.ask("incr k10 1"), "NOT_FOUND");
  client.send("set k10 0 0 1 noreply\r\nv\r\n");
  EXPECT_EQ(client.ask("get k10"), "END") << "noreply stays silent";
  EXPECT_EQ(client.ask("delete k0"), "DELETED");
  EXPECT_EQ(set(client, "k10", "v"), "STORED");
  EXPECT_EQ(set(client, "k11", "v"), too_many_items);
  EXPECT_EQ(figure(cluster.node(0), "items"), 10U);
  EXPECT_EQ(figure(cluster.node(0), "max_items"), 10U);
  EXPECT_EQ(figure(cluster.node(0), "refused_items"), 4U);

  change_line(cluster, "max-items = 10", "max-items = 11");
  ASSERT_TRUE(eventually([&] { return figure(cluster.node(0), "max_items") == 11; }));
  EXPECT_EQ(set(client, "k11", "v"), "STORED");
  EXPECT_EQ(set(client, "k12", "v"), too_many_items);
}

// Many connections on several threads race for the last places.
TEST_F(Quota, OfItemsHoldsExactlyWithManyWritersAtOnce) {
  auto& cluster = start({"max-items = 500", "threads = 4"});
  std::atomic<int> stored{0}, refused{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 8; ++writer) {
    writers.emplace_back([&, writer] {
      TextClient client{cluster.node(0)};
      std::string requests;
      for (int i = 0; i < 100; ++i) {
        requests += "set w" + std::to_string(writer) + "-" + std::to_string(i) + " 0 0 1\r\nv\r\n";
      }
      client.send(requests);
      for (int i = 0; i < 100; ++i) {
        const auto answer = client.read_line();
        if (answer == "STORED") ++stored;
        if (answer == too_many_items) ++refused;
      }
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(stored, 500);
  EXPECT_EQ(refused, 300);
  EXPECT_EQ(ask_stat(cluster.node(0), "stats", "curr_items"), "500");
}

TEST_F(Quota, OfBytesHoldsExactlyAndLetsWhatShrinksPass) {
  // A record takes its key, 28 bytes and its value: here 1 + 28 + 71 = 100.
  auto& cluster = start({"max-bytes = 1000"});
  TextClient client{cluster.node(0)};
  const std::string value(71, 'v');
  for (const char key : std::string{"abcdefghij"}) ASSERT_EQ(set(client, {key}, value), "STORED");
  EXPECT_EQ(figure(cluster.node(0), "bytes"), 1000U);
  EXPECT_EQ(set(client, "a", value + "v"), too_many_bytes);
  EXPECT_EQ(client.ask("append a 0 0 1\r\nv"), too_many_bytes);
  EXPECT_EQ(set(client, "k", ""), too_many_bytes);
  EXPECT_EQ(set(client, "a", value), "STORED");
  EXPECT_EQ(client.ask("touch a 1000"), "TOUCHED");
  EXPECT_EQ(set(client, "a", value.substr(1)), "STORED");
  EXPECT_EQ(client.ask("append a 0 0 1\r\nv"), "STORED");
  change_line(cluster, "max-bytes = 1000", "max-bytes = 500");
  ASSERT_TRUE(eventually([&] { return figure(cluster.node(0), "max_bytes") == 500; }));
  EXPECT_EQ(set(client, "b", "smaller"), "STORED") << "above the limit what shrinks passes";
  EXPECT_EQ(client.ask("delete c"), "DELETED");
  EXPECT_EQ(set(client, "b", "smaller!"), too_many_bytes);
  EXPECT_EQ(figure(cluster.node(0), "bytes"), 836U);
  EXPECT_EQ(figure(cluster.node(0), "refused_bytes"), 4U);
}

TEST_F(Quota, OfBytesIsCountedAnewAtTheStartAndWhenItIsSet) {
  auto& cluster = start({"max-bytes = 0"});
  TextClient client{cluster.node(0)};
  for (int i = 0; i < 10; ++i) ASSERT_EQ(set(client, std::to_string(i), std::string(71, 'v')), "STORED");
  EXPECT_EQ(figure(cluster.node(0), "bytes"), 0U) << "not counted while there is no limit";
  change_line(cluster, "max-bytes = 0", "max-bytes = 1001");
  ASSERT_TRUE(eventually([&] { return figure(cluster.node(0), "bytes") == 1000; }));
  EXPECT_EQ(client.ask("append 0 0 0 2\r\nvv"), too_many_bytes);
  EXPECT_EQ(client.ask("append 0 0 0 1\r\nv"), "STORED");
  cluster.node_process(0).kill();
  cluster.spawn_node(0);
  ASSERT_TRUE(eventually([&] { return serves(cluster.node(0)); }));
  ASSERT_TRUE(eventually([&] { return figure(cluster.node(0), "bytes") == 1001; }));
}

TEST_F(Quota, ExpiredEntriesAreRemovedBeforeAWriteIsRefused) {
  auto& cluster = start({"max-items = 300"}, 2);
  cluster.make_slave(1);
  TextClient client{cluster.node(0)};
  for (int i = 0; i < 200; ++i) ASSERT_EQ(set(client, "e" + std::to_string(i), "v", 1), "STORED");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(set(client, "k" + std::to_string(i), "v"), "STORED");
  ASSERT_TRUE(eventually([&] { return client.ask_all("get e0 e99 e199").size() == 1; })) << "they expire";
  EXPECT_EQ(figure(cluster.node(0), "items"), 300U);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(set(client, "n" + std::to_string(i), "v"), "STORED") << i;
  EXPECT_EQ(set(client, "one-more", "v"), too_many_items);
  EXPECT_EQ(figure(cluster.node(0), "reclaimed"), 200U);
  EXPECT_EQ(figure(cluster.node(0), "items"), 300U);
  EXPECT_EQ(client.ask_all("get k0 k99").size(), 5U) << "what is alive stays";
  EXPECT_TRUE(eventually([&] { return ask_stat(cluster.node(1), "stats", "curr_items") == "300"; }))
      << "the slave follows";

  const auto sweeps = figure(cluster.node(0), "sweeps");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(set(client, "more" + std::to_string(i), "v"), too_many_items);
  EXPECT_LE(figure(cluster.node(0), "sweeps"), sweeps + 1) << "a store without expired entries is not searched again";
}

TEST_F(Quota, IsNeverHeldAgainstReplication) {
  auto& cluster = start({"max-items = 5", "max-bytes = 1000"}, 2);
  const auto limited = read_file(cluster.config_of(cluster.node(1)));
  auto config = limited;
  config.replace(config.find("max-items = 5"), 13, "max-items = 1");
  config.replace(config.find("max-bytes = 1000"), 16, "max-bytes = 10");
  write_file(cluster.config_of(cluster.node(1)), config);
  cluster.node_process(1).send(SIGHUP);
  ASSERT_TRUE(eventually([&] { return figure(cluster.node(1), "max_items") == 1; }));
  TextClient client{cluster.node(0)};
  for (int i = 0; i < 3; ++i) ASSERT_EQ(set(client, "k" + std::to_string(i), "v"), "STORED");
  cluster.make_slave(1);  // a build
  for (int i = 3; i < 5; ++i) ASSERT_EQ(set(client, "k" + std::to_string(i), "v"), "STORED");
  EXPECT_TRUE(eventually([&] { return ask_stat(cluster.node(1), "stats", "curr_items") == "5"; }));
  EXPECT_EQ(set(client, "k5", "v"), too_many_items);
  EXPECT_EQ(TextClient{cluster.node(1)}.ask("set k6 0 0 1\r\nv"), too_many_items) << "the master's answer";
  EXPECT_EQ(figure(cluster.node(1), "refused_items"), 0U);
}

TEST_F(Quota, OfOperationsRefusesWhatIsAboveAndCountsKeys) {
  auto& cluster = start({"max-ops-per-second = 50", "threads = 1"});
  TextClient client{cluster.node(0)};
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += "get k\r\n";
  client.send(requests);
  std::size_t refused = 0;
  for (int i = 0; i < 1000; ++i) refused += client.read_line() == too_many_operations ? 1 : 0;
  EXPECT_GE(refused, 900U);
  EXPECT_EQ(figure(cluster.node(0), "refused_ops"), refused);
  EXPECT_EQ(client.ask("ping"), "OK") << "only data counts";
  std::string many = "get";
  for (int i = 0; i < 200; ++i) many += " k";
  std::string next;
  ASSERT_TRUE(eventually([&] {
    const auto answer = client.ask(many + "\r\nget k");  // together: nothing is saved up between them
    next = client.read_line();
    return answer == "END";
  }));
  EXPECT_EQ(next, too_many_operations) << "200 keys are paid for by those that follow";
  change_line(cluster, "max-ops-per-second = 50", "max-ops-per-second = 0");
  ASSERT_TRUE(eventually([&] { return figure(cluster.node(0), "max_ops_per_second") == 0; }));
  for (int i = 0; i < 200; ++i) ASSERT_EQ(client.ask("get k"), "END");
}

TEST_F(Quota, OfConnectionsIsShown) {
  auto& cluster = start({"max-connection = 4"});
  // The index's connection is none of them.
  std::vector<TextClient> clients;
  ASSERT_TRUE(eventually([&] { return figure(cluster.node(0), "connections") == 1; })) << "only the asking one";
  // Whose place is free again only when its end has been noticed.
  const auto comes_in = [&] {
    TextClient client{cluster.node(0), "127.0.0.9"};
    if (client.ask("get k") != "END") return false;
    clients.push_back(std::move(client));
    return true;
  };
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(eventually(comes_in)) << i;
  EXPECT_EQ(TextClient(cluster.node(0)).ask("get k"), "ERROR Too many open connections");
  EXPECT_EQ(TextClient(cluster.node(0), "127.0.0.9").ask("get k"), "ERROR Too many open connections");
  const auto lines = clients.front().ask_all("stats quota");
  EXPECT_EQ(stat_value(lines, "max_connection"), "4");
  EXPECT_EQ(stat_value(lines, "connections"), "4");
  EXPECT_GE(std::stoull(stat_value(lines, "refused_connections")), 1U);
}

// Counts only: while one tenant hammers at its limit, its neighbour's writes are all done, and the full one's refusals
// cost neither log writes nor searches through its store.
TEST_F(Quota, ATenantAtItsLimitTakesNothingFromItsNeighbour) {
  auto& full = start({"max-items = 100"}, 1, 12121);
  auto& neighbour = start({"max-items = 5000"}, 1, 12221);
  TextClient at_full{full.node(0)};
  TextClient at_neighbour{neighbour.node(0)};
  for (int i = 0; i < 100; ++i) ASSERT_EQ(set(at_full, "k" + std::to_string(i), "v"), "STORED");
  ASSERT_EQ(set(at_full, "first-refusal", "v"), too_many_items);
  const auto log_writes = ask_stat(full.node(0), "stats workers", "log_writes");
  const auto sweeps = figure(full.node(0), "sweeps");
  for (int round = 0; round < 20; ++round) {
    std::string hammering, wanted;
    for (int i = 0; i < 100; ++i) {
      const auto number = std::to_string(round * 100 + i);
      hammering += "set x" + number + " 0 0 1\r\nv\r\n";
      wanted += "set y" + number + " 0 0 1\r\nv\r\n";
    }
    at_full.send(hammering);
    at_neighbour.send(wanted);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(at_neighbour.read_line(), "STORED");
    for (int i = 0; i < 100; ++i) ASSERT_EQ(at_full.read_line(), too_many_items);
  }
  EXPECT_EQ(ask_stat(full.node(0), "stats workers", "log_writes"), log_writes);
  EXPECT_EQ(figure(full.node(0), "sweeps"), sweeps);
  EXPECT_EQ(figure(full.node(0), "refused_items"), 2001U);
  EXPECT_EQ(figure(neighbour.node(0), "refused_items"), 0U);
  EXPECT_EQ(figure(neighbour.node(0), "items"), 2000U);
}

}  // namespace
}  // namespace flare::test
