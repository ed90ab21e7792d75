// What one client may take of a daemon (docs/security.md, Limits), with real daemons.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>

#include "support/bad_input.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/raw_client.h"
#include "support/socket_buffers.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

const std::string too_many = "ERROR Too many open connections";
const std::string stranger = "127.0.0.9";  // no daemon is there
constexpr std::size_t mib = 1024 * 1024;

class Limits : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  Cluster& start(const std::vector<std::string>& lines, int nodes = 1) {
    ClusterPlan plan{
        .folder = folder_.path(), .bind_addresses = true, .index_lines = index_lines_, .node_lines = lines};
    for (int i = 0; i < nodes; ++i) plan.nodes.push_back({"127.0.1." + std::to_string(i + 1), 12121});
    cluster_ = std::make_unique<Cluster>(plan);
    cluster_->start();
    cluster_->make_master(0);
    if (!cluster_->settles()) ADD_FAILURE() << "the map does not settle";
    return *cluster_;
  }

  [[nodiscard]] const Address& node() const { return cluster_->node(0); }

  // A client that has a place: those that asked before may not have left yet.
  [[nodiscard]] TextClient served() const {
    std::optional<TextClient> client;
    const auto has_place = [&] {
      client.emplace(node(), stranger);
      return client->ask("get k") == "END";
    };
    if (!eventually(has_place)) ADD_FAILURE() << "no place for a client";
    return std::move(*client);
  }

  // Asked by a client that has a place already.
  static std::uint64_t figure(TextClient& client, const std::string& name) {
    return std::stoull(stat_value(client.ask_all("stats quota"), name));
  }

  static void store(TextClient& client, const std::string& key, std::size_t bytes) {
    const auto line = "set " + key + " 0 0 " + std::to_string(bytes) + "\r\n" + std::string(bytes, 'v');
    ASSERT_TRUE(eventually([&] { return client.ask(line) == "STORED"; }));
  }

  std::vector<std::string> index_lines_;

 private:
  TempDir folder_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(Limits, ClientsThatTakeAllPlacesDoNotKeepTheIndexOut) {
  auto& cluster = start({"max-connection = 3"});
  std::vector<TextClient> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(served());
  EXPECT_EQ(figure(clients[0], "connections"), 3U);
  EXPECT_GE(figure(clients[0], "node_connections"), 1U) << "the index's";
  // An attacker comes again and again, from elsewhere and from the index's own address.
  std::vector<RawClient> crowd;
  for (int i = 0; i < 300; ++i) crowd.emplace_back(node(), i % 2 == 0 ? stranger : cluster.index().name);

  cluster.index_process().kill();
  ASSERT_TRUE(eventually([&] { return figure(clients[0], "node_connections") <= 64; }));
  cluster.start_index();
  const auto probed = [&] {
    const auto seen = cluster.view(0);
    return seen && seen->state == "active" && figure(clients[0], "node_connections") >= 1;
  };
  EXPECT_TRUE(eventually(probed));
  EXPECT_EQ(cluster.ask_index("node role 127.0.1.1 12121 master 2 0"), "OK") << "and the node gets its map:";
  EXPECT_TRUE(
      eventually([&] { return stat_value(clients[1].ask_all("stats nodes"), "127.0.1.1:12121:balance") == "2"; }));
  EXPECT_EQ(figure(clients[0], "connections"), 3U);
}

TEST_F(Limits, ADaemonsAddressOnTrialIsServedNothingThatAClientAsks) {
  auto& cluster = start({"max-connection = 1"});
  auto client = served();
  TextClient trial{node(), cluster.index().name};
  EXPECT_EQ(trial.ask("ping"), "OK") << "as an original's index asks";
  EXPECT_EQ(trial.ask("get k"), too_many);
  TextClient silent{node(), cluster.index().name};
  EXPECT_EQ(silent.read_line(), too_many) << "after its time";
}

TEST_F(Limits, ClientsThatTakeAllPlacesOfTheIndexDoNotKeepNodesOut) {
  index_lines_ = {"max-connection = 3"};
  auto& cluster = start({}, 2);
  std::vector<TextClient> clients;
  while (clients.size() < 3) {
    ASSERT_TRUE(eventually([&] {
      TextClient client{cluster.index(), stranger};
      if (client.ask("ping") != "OK") return false;
      clients.push_back(std::move(client));
      return true;
    }));
  }
  EXPECT_EQ(TextClient(cluster.index(), stranger).read_line(), too_many);
  std::vector<RawClient> crowd;
  for (int i = 0; i < 200; ++i) crowd.emplace_back(cluster.index(), i % 2 == 0 ? stranger : node().name);

  const auto state = [&] { return read_map(clients[0].ask_all("stats nodes")).at(key_of(cluster.node(1))).state; };
  EXPECT_TRUE(cluster.node_process(1).stop());
  EXPECT_TRUE(eventually([&] { return state() == "down"; })) << "it has told the index that it leaves";
  cluster.spawn_node(1);
  EXPECT_TRUE(eventually([&] { return state() == "active"; })) << "it has joined";
  TextClient trial{cluster.index(), node().name};
  EXPECT_EQ(trial.ask("stats"), too_many);
}

// A reset, which follows when a socket with unread bytes is closed, would overtake the line.
TEST_F(Limits, ARefusedClientReadsWhyThoughItHasSentMuch) {
  start({"max-connection = 1"});
  auto client = served();
  const auto refused_before = figure(client, "refused_connections");  // while the place of who looked was still taken
  const auto much = "set k 0 0 60000\r\n" + std::string(60'000, 'x') + "\r\n";
  for (int i = 0; i < 50; ++i) {
    RawClient refused{node(), stranger};
    refused.send(much);
    ASSERT_TRUE(refused.reads(too_many)) << i << ": " << refused.received();
    ASSERT_TRUE(refused.reads_to_end()) << i;
  }
  EXPECT_EQ(figure(client, "refused_connections"), refused_before + 50U);
}

TEST_F(Limits, AClientWithALineTooLongReadsWhy) {
  start({});
  for (int i = 0; i < 20; ++i) {
    RawClient client{node(), stranger};
    client.send(std::string(200'000, 'a'));
    ASSERT_TRUE(client.reads("CLIENT_ERROR line too long")) << i;
  }
}

TEST_F(Limits, AllKeysOfALineAreAnsweredAndNoMoreThanALineHolds) {
  start({});
  TextClient client{node(), stranger};
  std::string keys = "get";
  for (int i = 0; i < 32'000; ++i) keys += " k";
  ASSERT_EQ(client.ask(keys), "END");
  ASSERT_EQ(client.ask("set k 0 0 1\r\nv"), "STORED");
  EXPECT_EQ(client.ask_all(keys).size(), 2 * 32'000U + 1);
  for (int i = 0; i < 1'000; ++i) keys += " k";
  EXPECT_EQ(client.ask(keys), "CLIENT_ERROR line too long");
}

TEST_F(Limits, MaxLineSizeLetsLongerGetsIn) {
  start({"max-line-size = 128K"});
  TextClient client{node(), stranger};
  std::string keys = "get";
  for (int i = 0; i < 65'000; ++i) keys += " k";
  EXPECT_EQ(client.ask(keys), "END");
  keys += " " + std::string(2'000, 'k');
  EXPECT_EQ(client.ask(keys), "CLIENT_ERROR line too long");
}

TEST_F(Limits, HalfPayloadsAreHeldUpToMaxConnectionMemory) {
  auto& cluster = start({"max-connection-memory = 32M", "threads = 2"});
  TextClient client{node(), stranger};
  const auto before = anonymous_bytes(cluster.node_process(0).pid());
  std::vector<RawClient> crowd;
  for (int i = 0; i < 100; ++i) {
    crowd.emplace_back(node(), stranger);
    crowd.back().send("set k 0 0 67108864\r\n" + std::string(2 * mib, 'x'), Milliseconds{20'000});
    ASSERT_LE(figure(client, "connection_memory"), 36 * mib) << i;
  }
  EXPECT_TRUE(eventually([&] { return figure(client, "refused_connection_memory") >= 50; }));
  const auto is_told = [](RawClient& one) { return one.reads("SERVER_ERROR out of memory", Milliseconds{0}); };
  EXPECT_TRUE(eventually([&] { return std::count_if(crowd.begin(), crowd.end(), is_told) >= 50; }));
  EXPECT_LE(anonymous_bytes(cluster.node_process(0).pid()), before + 96 * mib);
  // Before all has been read, many hold no more than this client will, and it could be the one that holds most.
  EXPECT_TRUE(eventually([&] {
    const auto is_gone = [&](RawClient& one) { return is_told(one) || one.reads_to_end(Milliseconds{0}); };
    const auto held = crowd.size() - static_cast<std::size_t>(std::count_if(crowd.begin(), crowd.end(), is_gone));
    return figure(client, "connection_memory") >= held * 2 * mib;
  }));
  EXPECT_NO_FATAL_FAILURE(store(client, "small", 100'000)) << "who needs little is served";
  crowd.clear();
  EXPECT_TRUE(eventually([&] { return figure(client, "connection_memory") == 0; }));
  EXPECT_NO_FATAL_FAILURE(store(client, "large", 16 * mib));
}

// The begin of a request needs no buffer while its rest does not come.
TEST_F(Limits, ThousandsOfBegunRequestsTakeLittleMemory) {
  start({"net-read-timeout = 600"});
  TextClient client{node(), stranger};
  std::vector<RawClient> crowd;
  for (int i = 0; i < 500; ++i) {
    crowd.emplace_back(node(), stranger);
    crowd.back().send("set k 0 0 10\r\n01234");
  }
  EXPECT_TRUE(eventually([&] { return figure(client, "connection_memory") < mib; }, Milliseconds{20'000}));
  for (auto& one : crowd) one.send("56789\r\n");
  for (auto& one : crowd) ASSERT_TRUE(one.reads("STORED\r\n"));
  EXPECT_TRUE(eventually([&] { return figure(client, "connection_memory") == 0; }));
}

TEST_F(Limits, AnswersThatNobodyReadsAreHeldUpToMaxConnectionMemory) {
  auto& cluster = start({"max-connection-memory = 32M", "threads = 2"});
  TextClient client{node(), stranger};
  ASSERT_NO_FATAL_FAILURE(store(client, "big", 4 * mib));
  const auto before = anonymous_bytes(cluster.node_process(0).pid());
  std::vector<RawClient> crowd;
  for (int i = 0; i < 50; ++i) {
    crowd.emplace_back(node(), stranger);
    crowd.back().send_deaf("get big big\r\n");
    ASSERT_LE(figure(client, "connection_memory"), 36 * mib) << i;
  }
  EXPECT_TRUE(eventually([&] { return figure(client, "refused_connection_memory") >= 30; }));
  EXPECT_LE(anonymous_bytes(cluster.node_process(0).pid()), before + 128 * mib);
  EXPECT_EQ(client.ask_all("get big").size(), 3U) << "who reads is served";
}

TEST_F(Limits, AGetOfMoreThanThereIsMemoryEndsWithAnError) {
  start({"max-connection-memory = 32M"});
  TextClient client{node(), stranger};
  ASSERT_NO_FATAL_FAILURE(store(client, "big", 4 * mib));
  std::string line = "get";
  for (int i = 0; i < 20; ++i) line += " big";
  const auto lines = client.ask_all(line);
  EXPECT_EQ(lines.back(), "SERVER_ERROR out of memory writing get response");
  EXPECT_EQ(client.ask_all("get big big").size(), 5U) << "and the connection goes on";
}

TEST_F(Limits, AClientThatDoesNotReadIsClosedAfterNetWriteTimeout) {
  start({"net-write-timeout = 1"});
  TextClient client{node(), stranger};
  ASSERT_NO_FATAL_FAILURE(store(client, "big", 4 * mib));
  const auto came = [&] { return std::stoull(stat_value(client.ask_all("stats"), "total_connections")); };
  ASSERT_TRUE(eventually([&] { return figure(client, "connections") == 1; })) << "those of the start have left";
  const auto before = came();
  RawClient deaf{node(), stranger};
  std::string line = "get";
  for (std::size_t bytes = 0; bytes <= connection_bytes_max(); bytes += 4 * mib) line += " big";
  deaf.send_deaf(line + "\r\n");
  ASSERT_TRUE(eventually([&] { return came() > before; }));
  EXPECT_TRUE(eventually([&] { return figure(client, "connections") == 1; }));
  EXPECT_EQ(figure(client, "connection_memory"), 0U);
}

// An empty map of a high version would make a node forget its cluster and refuse every later map.
TEST_F(Limits, AMapWithoutTheReceivingNodeIsRefused) {
  auto& cluster = start({});
  TextClient client{node(), cluster.index().name};
  const auto before = client.ask_all("stats nodes");
  for (const std::string lines : {"", "NODE 10.0.0.1 1 0 0 0 1 16\r\n"}) {
    EXPECT_EQ(client.ask("node sync 999999\r\n" + lines + "END"), "SERVER_ERROR node sync error") << lines;
    EXPECT_EQ(client.ask("node sync\r\n" + lines + "END"), "SERVER_ERROR node sync error") << lines;
  }
  EXPECT_EQ(client.ask_all("stats nodes"), before);
}

}  // namespace
}  // namespace flare::test
