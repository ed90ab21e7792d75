// docs/security.md, tenants by key prefix: what one of two tenants of a cluster does, the other neither sees nor feels,
// in each protocol, by each command, at master, slave and proxy.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <memory>

#include "support/binary_client.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::uint16_t door_a = 13001;
constexpr std::uint16_t door_b = 13002;
constexpr std::size_t key_bytes_max = 60;
const std::string prefix_a = "user-a:";
const std::string prefix_b = "b/";

std::string base64(const std::string& bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    const auto count = std::min<std::size_t>(3, bytes.size() - at);
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) text += i <= count ? digits[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

// All lines up to the answer of `mn`, a '|' behind each.
std::string ask(TextClient& client, const std::string& request) {
  client.send(request + "\r\nmn\r\n");
  std::string answer;
  for (auto line = client.read_line(); line != "MN"; line = client.read_line()) answer += line + "|";
  return answer;
}

struct TextStep {
  std::string sent;
  std::string expected;
};

// Of one client about keys of its own; the same words and answers whatever its door puts in front.
std::vector<TextStep> text_conversation(const std::string& key) {
  const auto coded = base64(key);
  const auto trap = "VALUE " + prefix_a + "k 0 3 and " + prefix_b + "k no";
  const auto trap_size = std::to_string(trap.size());
  return {
      {"get " + key, "END|"},
      {"set " + key + " 5 0 3\r\nabc", "STORED|"},
      {"get " + key, "VALUE " + key + " 5 3|abc|END|"},
      {"gets " + key + " none " + key, "VALUE " + key + " 5 3 1|abc|VALUE " + key + " 5 3 1|abc|END|"},
      {"add " + key + " 0 0 1\r\nx", "NOT_STORED|"},
      {"replace " + key + " 0 0 3\r\n100", "STORED|"},
      {"append " + key + " 0 0 1\r\n0", "STORED|"},
      {"prepend " + key + " 0 0 1\r\n1", "STORED|"},
      {"incr " + key + " 5", "11005|"},
      {"decr " + key + " 5", "11000|"},
      {"cas " + key + " 0 0 1 1\r\nz", "EXISTS|"},
      {"touch " + key + " 1000", "TOUCHED|"},
      {"gat 1000 " + key + " none", "VALUE " + key + " 0 5|11000|END|"},
      {"gats 1000 none " + key, "VALUE " + key + " 0 5 6|11000|END|"},
      {"gat " + key + " 1000", "VALUE " + key + " 0 5|11000|"},
      {"gat " + key + " 1000 noreply", ""},
      {"mg " + key + " v k f s c Oq", "VA 5 k" + key + " f0 s5 c6 Oq|11000|"},
      {"mg " + coded + " b k v", "VA 5 k" + coded + " b|11000|"},
      {"mg " + key + " k", "HD k" + key + "|"},
      {"touch " + key + " 0", "TOUCHED|"},
      {"me " + key, "ME " + key + " exp=-1 cas=6 size=5|"},
      {"me " + coded + " b", "ME " + coded + " exp=-1 cas=6 size=5|"},
      {"ms " + key + " 2 c k\r\nhi", "HD c7 k" + key + "|"},
      {"ms " + coded + " 2 b k O1 MA\r\n!!", "HD k" + coded + " b O1|"},
      {"ma " + key + " k", "CLIENT_ERROR cannot increment or decrement non-numeric value|"},
      {"md " + key + " I k O2", "HD k" + key + " O2|"},
      {"set " + key + " 0 0 " + trap_size + "\r\n" + trap, "STORED|"},
      {"get " + key, "VALUE " + key + " 0 " + trap_size + "|" + trap + "|END|"},
      {"md " + key + " k", "HD k" + key + "|"},
      {"md " + coded + " b k", "NF k" + coded + " b|"},
      {"mg " + key + " v k", "EN k" + key + "|"},
      {"ma " + key + " N0 J7 v k", "VA 1 k" + key + "|7|"},
      {"delete " + key, "DELETED|"},
      {"delete " + key, "NOT_FOUND|"},
      {"incr " + key + " 1", "NOT_FOUND|"},
      {"me " + key, "EN|"},
      {"set " + key + " 0 0 1 noreply\r\nv", ""},
      {"get " + key, "VALUE " + key + " 0 1|v|END|"},
  };
}

struct BinaryStep {
  Packet request;
  std::string expected;  // empty: none, it is quiet
};

std::vector<BinaryStep> binary_conversation(const std::string& key) {
  const auto store = network(7, 4) + network(0, 4);
  const auto arithmetic = network(5, 8) + network(40, 8) + network(0, 4);
  const auto time = network(1000, 4);
  return {
      {{0x0c, key}, "status=1 key=" + key},
      {{0x0d, key}, ""},
      {{0x02, key, store, "abc"}, "status=0 cas=1"},
      {{0x01, key, store, "abc"}, "status=0 cas=2"},
      {{0x11, key, store, "abd"}, ""},
      {{0x03, key, store, "abc", 3}, "status=0 cas=4"},
      {{0x0e, key, "", "d"}, "status=0 cas=5"},
      {{0x0f, key, "", "_"}, "status=0 cas=6"},
      {{0x00, key}, "status=0 cas=6 extras=00000007 value=_abcd"},
      {{0x0c, key}, "status=0 cas=6 extras=00000007 key=" + key + " value=_abcd"},
      {{0x0d, key}, "status=0 cas=6 extras=00000007 key=" + key + " value=_abcd"},
      {{0x1c, key, time}, "status=0 cas=6 extras=00000007"},
      {{0x1d, key, time}, "status=0 cas=6 extras=00000007 value=_abcd"},
      {{0x24, key, time}, "status=0 cas=6 extras=00000007 key=" + key + " value=_abcd"},
      {{0x05, key, arithmetic}, "status=6 value=Non-numeric server-side value for incr or decr"},
      {{0x04, key, "", "", 5}, "status=2 value=Data exists for key."},
      {{0x04, key}, "status=0"},
      {{0x05, key, arithmetic}, "status=0 cas=7 value=" + network(40, 8)},
      {{0x06, key, arithmetic}, "status=0 cas=8 value=" + network(35, 8)},
      {{0x14, key}, ""},
      {{0x0c, key}, "status=1 key=" + key},
  };
}

class KeyPrefix : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  KeyPrefix() { make({}); }

  void make(std::vector<std::string> lines) {
    for (const std::string line :
         {"door.a.port = 13001", "door.a.classes = data", "door.a.key-prefix = user-a:", "door.b.port = 13002",
          "door.b.classes = data", "door.b.key-prefix = b/", "max-key-size = 60", "threads = 2"}) {
      lines.push_back(line);
    }
    folder_ = std::make_unique<TempDir>();
    cluster_ = std::make_unique<Cluster>(
        ClusterPlan{.folder = folder_->path(),
                    .index = {"127.0.0.1", 12120},
                    .nodes = {{"127.0.0.1", 12121}, {"127.0.0.2", 12121}, {"127.0.0.3", 12121}},
                    .bind_addresses = true,
                    .node_lines = lines});
  }

  // Each door at its node's own address.
  void spawn(std::size_t node) {
    const auto& name = cluster_->node(node).name;
    cluster_->spawn_node(node, {"--door.a.bind=" + name, "--door.b.bind=" + name});
    ASSERT_TRUE(eventually([&] {
      const auto seen = cluster_->view(node);
      return seen && seen->state == "active" && serves(cluster_->node(node));
    })) << read_file(cluster_->log_of(cluster_->node(node)));
  }

  // Master, slave with balance 0 (its clients read what they wrote), proxy.
  void start() {
    cluster_->start_index();
    for (std::size_t node = 0; node < 3; ++node) ASSERT_NO_FATAL_FAILURE(spawn(node));
    cluster_->make_master(0);
    cluster_->make_slave(1, 0);
    ASSERT_TRUE(cluster_->settles());
  }

  [[nodiscard]] Address at(std::size_t node, std::uint16_t door) const { return {cluster_->node(node).name, door}; }
  [[nodiscard]] TextClient main_of(std::size_t node) const { return TextClient{cluster_->node(node)}; }

  [[nodiscard]] std::string figure(const std::string& name) const {
    return ask_stat(cluster_->node(0), "stats quota", name);
  }

  std::unique_ptr<TempDir> folder_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(KeyPrefix, IsUnseenInTheTextAndMetaProtocolsThroughEachNode) {
  ASSERT_NO_FATAL_FAILURE(start());
  for (std::size_t node = 0; node < 3; ++node) {
    // Two tenants and the whole cluster's operator, all with the same names, step by step beside each other.
    std::vector<TextClient> clients;
    clients.emplace_back(at(node, door_a));
    clients.emplace_back(at(node, door_b));
    clients.emplace_back(cluster_->node(node));
    for (const auto& step : text_conversation("k" + std::to_string(node))) {
      for (auto& client : clients) {
        EXPECT_EQ(ask(client, step.sent), step.expected)
            << step.sent << " at node " << node << ", door " << &client - clients.data();
      }
    }
  }
  auto all = main_of(0);
  for (const std::string node : {"0", "1", "2"}) {
    EXPECT_EQ(ask(all, "get " + prefix_a + "k" + node + " " + prefix_b + "k" + node),
              "VALUE " + prefix_a + "k" + node + " 0 1|v|VALUE " + prefix_b + "k" + node + " 0 1|v|END|");
  }
}

TEST_F(KeyPrefix, IsUnseenInTheBinaryProtocolThroughEachNode) {
  ASSERT_NO_FATAL_FAILURE(start());
  for (std::size_t node = 0; node < 3; ++node) {
    std::vector<BinaryClient> clients;
    clients.emplace_back(at(node, door_a));
    clients.emplace_back(at(node, door_b));
    clients.emplace_back(cluster_->node(node));
    std::uint32_t opaque = 0;
    for (auto step : binary_conversation("bin\xff\x80\xc3\xa4" + std::to_string(node))) {
      step.request.opaque = ++opaque;
      for (auto& client : clients) {
        client.send(step.request);
        if (step.expected.empty()) continue;
        const auto answer = client.read();
        EXPECT_EQ(text_of(answer), step.expected)
            << "node " << node << ", step " << opaque << ", door " << &client - clients.data();
        EXPECT_EQ(answer.opaque, opaque);
      }
    }
  }
}

TEST_F(KeyPrefix, ShutsATenantInWhateverItAsks) {
  ASSERT_NO_FATAL_FAILURE(start());
  auto all = main_of(0);
  ASSERT_EQ(ask(all, "set k 0 0 5\r\nwhole"), "STORED|");
  TextClient other{at(2, door_b)};
  ASSERT_EQ(ask(other, "set k 0 0 5\r\nother"), "STORED|");
  const std::string admin = "CLIENT_ERROR access denied (class admin needed)|";
  const std::string cluster = "CLIENT_ERROR access denied (class cluster needed)|";
  const std::string either = "CLIENT_ERROR access denied (class cluster or admin needed)|";
  const std::string plain = "CLIENT_ERROR access denied (a door with a key-prefix tells plain stats only)|";
  const std::vector<TextStep> tries{
      {"get k b/k user-a:k ../k", "END|"},
      {"gat 100 k b/k", "END|"},
      {"mg b/k v k", "EN kb/k|"},
      {"delete b/k", "NOT_FOUND|"},
      {"md k", "NF|"},
      {"touch k 1", "NOT_FOUND|"},
      {"incr k 1", "NOT_FOUND|"},
      {"replace b/k 0 0 1\r\nx", "NOT_STORED|"},
      {"add k 0 0 1\r\nx", "STORED|"},
      {"delete k", "DELETED|"},
      {"flush_all", admin},
      {"flush_all 10", admin},
      {"flush_all noreply", ""},
      {"dump", either},
      {"dump_key", either},
      {"show variables", admin},
      {"kill 1", admin},
      {"salvage acknowledge", admin},
      {"stats reset", admin},
      {"stats conns", either},
      {"stats threads", either},
      {"stats nodes", plain},
      {"stats doors", plain},
      {"stats quota", plain},
      {"stats settings", plain},
      {"stats items", plain},
      {"stats replication", plain},
      {"stats detail on", plain},
      {"<127.0.0.1:1>get b/k", cluster},
      {"<127.0.0.1:1>set b/k 0 0 1\r\nx", cluster},
      {"<restore>set b/k 0 0 1\r\nx", cluster},
      {"<127.0.0.1:1>md b/k", cluster},
      {"node sync 1\r\nEND", cluster},
      {"position 0 1", cluster},
      {"repl hello", cluster},
      {"hello nonsense", cluster},
      {"keys b/ 10", "SERVER_ERROR not available on current storage type|"},
      {"verbosity 1", "OK|"},
      {"ping", "OK|"},
      {"version", "VERSION 2.0.0|"},
  };
  for (std::size_t node = 0; node < 3; ++node) {
    TextClient client{at(node, door_a)};
    for (const auto& step : tries) EXPECT_EQ(ask(client, step.sent), step.expected) << step.sent << " at node " << node;
    BinaryClient binary{at(node, door_a)};
    EXPECT_EQ(text_of(binary.ask({0x08, "", network(0, 4)})), "status=32 value=access denied (class admin needed)");
    EXPECT_EQ(text_of(binary.ask({0x08})), "status=32 value=access denied (class admin needed)");
    EXPECT_EQ(binary.ask({0x10, "nodes"}).status, 32);
    EXPECT_EQ(text_of(binary.ask({0x04, "b/k"})), "status=1 value=Not found");
    EXPECT_EQ(ask(other, "get k"), "VALUE k 0 5|other|END|");
    EXPECT_EQ(ask(all, "get k"), "VALUE k 0 5|whole|END|");
  }
}

TEST_F(KeyPrefix, TellsOnlyItsOwnFigures) {
  ASSERT_NO_FATAL_FAILURE(start());
  TextClient client{at(2, door_a)};
  ASSERT_EQ(ask(client, "get x y z"), "END|");
  const auto lines = client.ask_all("stats");
  const std::vector<std::string> names{
      "uptime", "time", "version", "pointer_size", "cmd_total", "limit_ops_per_second", "refused_ops"};
  ASSERT_EQ(lines.size(), names.size() + 1);
  for (std::size_t i = 0; i < names.size(); ++i)
    EXPECT_TRUE(lines[i].starts_with("STAT " + names[i] + " ")) << lines[i];
  EXPECT_EQ(stat_value(lines, "cmd_total"), "3");
  EXPECT_EQ(ask_stat(at(2, door_b), "stats", "cmd_total"), "0");
  BinaryClient binary{at(2, door_a)};
  binary.send({0x10});
  EXPECT_EQ(binary.read_list().size(), names.size());
}

TEST_F(KeyPrefix, LeavesTheRestOfTheLongestKey) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string longest(key_bytes_max - prefix_a.size(), 'k');
  const auto too_long = longest + "k";
  const std::string refused = "CLIENT_ERROR bad command line format|";
  for (std::size_t node = 0; node < 3; ++node) {
    TextClient client{at(node, door_a)};
    for (const auto& step : text_conversation(longest)) {
      EXPECT_EQ(ask(client, step.sent).substr(0, 3), step.expected.substr(0, 3)) << step.sent;
    }
    EXPECT_EQ(ask(client, "get " + too_long), refused);
    EXPECT_EQ(ask(client, "set " + too_long + " 0 0 1\r\nx"), refused);
    EXPECT_EQ(ask(client, "gat 10 " + too_long), refused);
    EXPECT_EQ(ask(client, "delete " + too_long), refused);
    EXPECT_EQ(ask(client, "mg " + too_long + " v"), refused);
    EXPECT_EQ(ask(client, "ms " + base64(too_long) + " 1 b\r\nx"), refused);
    EXPECT_EQ(ask(client, "get " + longest), "VALUE " + longest + " 0 1|v|END|");
    EXPECT_EQ(ask(client, "delete " + longest), "DELETED|");
    BinaryClient binary{at(node, door_a)};
    EXPECT_EQ(binary.ask({0x02, longest, network(0, 8), "x"}).status, 0);
    EXPECT_EQ(text_of(binary.ask({0x04, longest})), "status=0");
    EXPECT_EQ(text_of(binary.ask({0x02, too_long, network(0, 8), "x"})), "status=4 value=Invalid arguments");
  }
}

TEST_F(KeyPrefix, GetsAHundredKeysAndPipelinesThroughTheProxy) {
  ASSERT_NO_FATAL_FAILURE(start());
  for (std::size_t node = 0; node < 3; ++node) {
    std::string requests, answers, line = "get", values;
    for (int i = 0; i < 100; ++i) {
      const auto key = "key" + std::to_string(i);
      requests += "set " + key + " 0 0 " + std::to_string(key.size()) + "\r\n" + key + "\r\nget " + key + "\r\n";
      answers += "STORED|VALUE " + key + " 0 " + std::to_string(key.size()) + "|" + key + "|END|";
      line += " " + key + (i % 3 == 0 ? " missing" : "");
      values += "VALUE " + key + " 0 " + std::to_string(key.size()) + "|" + key + "|";
    }
    TextClient client{at(node, door_b)};
    EXPECT_EQ(ask(client, requests + "noop"), answers + "ERROR|");
    EXPECT_EQ(ask(client, line), values + "END|");
    TextClient stranger{at(node, door_a)};
    EXPECT_EQ(ask(stranger, line), "END|");
  }
}

class PrefixQuota : public KeyPrefix {
 protected:
  PrefixQuota() { make({"door.a.max-items = 5", "door.a.max-bytes = 10K", "door.b.max-ops-per-second = 20"}); }

  void change(const std::string& line, const std::string& to) const {
    for (std::size_t node = 0; node < 3; ++node) {
      const auto path = cluster_->config_of(cluster_->node(node));
      auto config = read_file(path);
      config.replace(config.find(line), line.size(), to);
      write_file(path, config);
      cluster_->node_process(node).send(SIGHUP);
    }
  }
};

TEST_F(PrefixQuota, HoldsAtTheMasterForThatPrefixAlone) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string too_many = "SERVER_ERROR quota exceeded (door.a.max-items)|";
  TextClient client{at(2, door_a)};
  auto all = main_of(0);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(ask(all, "set other" + std::to_string(i) + " 0 0 1\r\nx"), "STORED|");
  for (int i = 0; i < 5; ++i) ASSERT_EQ(ask(client, "set k" + std::to_string(i) + " 0 0 1\r\nx"), "STORED|");
  EXPECT_EQ(ask(client, "set k5 0 0 1\r\nx"), too_many);
  EXPECT_EQ(ask(client, "ms k5 1\r\nx"), too_many);
  EXPECT_EQ(ask(client, "set k4 0 0 2\r\nxx"), "STORED|");
  BinaryClient binary{at(2, door_a)};
  EXPECT_EQ(text_of(binary.ask({0x02, "k5", network(0, 8), "x"})),
            "status=130 value=quota exceeded (door.a.max-items)");
  TextClient at_master{at(0, door_a)};
  EXPECT_EQ(ask(at_master, "add k6 0 0 1\r\nx"), too_many);
  EXPECT_EQ(ask(all, "set user-a:k6 0 0 1\r\nx"), too_many) << "whoever writes it";
  EXPECT_EQ(ask(all, "set other20 0 0 1\r\nx"), "STORED|");
  EXPECT_EQ(figure("a:items"), "5");
  EXPECT_EQ(figure("a:refused_items"), "5");
  EXPECT_EQ(ask_stat(at(0, door_a), "stats", "curr_items"), "5");
  EXPECT_EQ(ask_stat(at(0, door_a), "stats", "limit_maxitems"), "5");
  EXPECT_EQ(ask(client, "delete k0"), "DELETED|");
  EXPECT_EQ(ask(client, "set k5 0 0 1\r\nx"), "STORED|");

  const std::string large(9000, 'x');
  EXPECT_EQ(ask(client, "set k5 0 0 9000\r\n" + large), "STORED|");
  EXPECT_EQ(ask(client, "set k4 0 0 9000\r\n" + large), "SERVER_ERROR quota exceeded (door.a.max-bytes)|");
  EXPECT_EQ(figure("a:refused_bytes"), "1");

  change("door.a.max-items = 5", "door.a.max-items = 6");
  ASSERT_TRUE(eventually([&] { return figure("a:max_items") == "6"; }));
  EXPECT_EQ(ask(client, "set k6 0 0 1\r\nx"), "STORED|");
  EXPECT_EQ(ask(client, "set k7 0 0 1\r\nx"), too_many);
}

TEST_F(PrefixQuota, IsCountedAgainAfterAKillAndWhenHangupBegins) {
  ASSERT_NO_FATAL_FAILURE(start());
  TextClient client{at(0, door_a)};
  for (int i = 0; i < 5; ++i) ASSERT_EQ(ask(client, "set k" + std::to_string(i) + " 0 0 1\r\nx"), "STORED|");
  const auto bytes = figure("a:bytes");
  EXPECT_EQ(bytes, std::to_string(5 * (prefix_a.size() + 2 + 28 + 1)));
  // The slave counts what comes by replication.
  ASSERT_TRUE(eventually([&] { return ask_stat(cluster_->node(1), "stats quota", "a:bytes") == bytes; }));
  cluster_->node_process(1).kill();
  ASSERT_NO_FATAL_FAILURE(spawn(1));
  EXPECT_TRUE(eventually([&] { return ask_stat(cluster_->node(1), "stats quota", "a:bytes") == bytes; }))
      << ask_stat(cluster_->node(1), "stats quota", "a:bytes");
  change("door.a.max-items = 5", "door.a.max-items = 0");
  change("door.a.max-bytes = 10K", "door.a.max-bytes = 0");
  ASSERT_TRUE(eventually([&] { return figure("a:items").empty(); })) << "nothing is counted without a limit";
  EXPECT_EQ(ask(client, "set k5 0 0 1\r\nx"), "STORED|");
  change("door.a.max-items = 0", "door.a.max-items = 6");
  ASSERT_TRUE(eventually([&] { return figure("a:items") == "6"; }));
  EXPECT_EQ(ask(client, "set k6 0 0 1\r\nx"), "SERVER_ERROR quota exceeded (door.a.max-items)|");
}

TEST_F(PrefixQuota, OfOperationsIsOfTheDoorWhereTheyComeIn) {
  ASSERT_NO_FATAL_FAILURE(start());
  TextClient client{at(2, door_b)};
  const auto refused = [&] {
    std::string requests;
    for (int i = 0; i < 200; ++i) requests += "get k\r\n";
    return ask(client, requests + "get k").find("SERVER_ERROR quota exceeded (door.b.max-ops-per-second)|") !=
           std::string::npos;
  };
  EXPECT_TRUE(eventually(refused));
  EXPECT_NE(ask_stat(cluster_->node(2), "stats quota", "b:refused_ops"), "0");
  EXPECT_EQ(ask_stat(cluster_->node(2), "stats quota", "refused_ops"), "0");
  TextClient other{at(2, door_a)};
  for (int i = 0; i < 100; ++i) ASSERT_EQ(ask(other, "get k"), "END|");
  auto all = main_of(2);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(ask(all, "get k"), "END|");
}

TEST_F(PrefixQuota, IsOfNoNodesLimitThatHasBeenTakenAway) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto path = cluster_->config_of(cluster_->node(2));
  const auto before = read_file(path);
  const auto limit_node = [&](const std::string& limit) {
    write_file(path, before + "\nmax-ops-per-second = " + limit + "\n");
    cluster_->node_process(2).send(SIGHUP);
    return eventually([&] { return ask_stat(cluster_->node(2), "stats quota", "max_ops_per_second") == limit; });
  };
  ASSERT_TRUE(limit_node("2"));
  TextClient client{at(2, door_a)};
  const auto refused = [&] { return ask(client, "get k") == "SERVER_ERROR quota exceeded (max-ops-per-second)|"; };
  EXPECT_TRUE(eventually(refused));
  ASSERT_TRUE(limit_node("0"));
  for (int i = 0; i < 20; ++i) ASSERT_EQ(ask(client, "get k"), "END|");
}

}  // namespace
}  // namespace flare::test
