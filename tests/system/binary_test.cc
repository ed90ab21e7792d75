// memcached's binary protocol through every role (docs/spec/protocol.md 4, 9.7): what the original lost on the way to
// another node - opaque, cas, quiet opcodes, initial values - arrives.
#include <gtest/gtest.h>

#include "support/binary_client.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

std::string store_extras(std::uint32_t flags, std::uint32_t exptime) { return network(flags, 4) + network(exptime, 4); }
std::string arithmetic_extras(std::uint64_t delta, std::uint64_t initial, std::uint32_t exptime) {
  return network(delta, 8) + network(initial, 8) + network(exptime, 4);
}
std::string exptime_extras(std::uint32_t exptime) { return network(exptime, 4); }
std::string number(std::uint64_t value) { return network(value, 8); }

constexpr std::uint32_t not_made = 0xffffffff;

/// A quiet request whose answer is unsaid has none expected: the next one's comes next.
struct Step {
  Packet request;
  std::string expected;
};

// Of one client, about one key. The versions are the cas.
std::vector<Step> conversation(const std::string& key) {
  return {
      {{0x00, key}, "status=1 value=Not found"},
      {{0x09, key}, ""},
      {{0x0c, key}, "status=1 key=" + key},
      {{0x03, key, store_extras(0, 0), "v"}, "status=1 value=Not found"},
      {{0x0e, key, "", "v"}, "status=5 value=Not stored."},
      {{0x04, key}, "status=1 value=Not found"},
      {{0x1c, key, exptime_extras(100)}, "status=1 value=Not found"},
      {{0x1e, key, exptime_extras(100)}, ""},
      {{0x01, key, store_extras(0, 0), "v", 7}, "status=1 value=Not found"},
      {{0x02, key, store_extras(7, 0), "abc"}, "status=0 cas=1"},
      {{0x12, key, store_extras(7, 0), "xyz"}, "status=2 value=Data exists for key."},
      {{0x00, key}, "status=0 cas=1 extras=00000007 value=abc"},
      {{0x0d, key}, "status=0 cas=1 extras=00000007 key=" + key + " value=abc"},
      {{0x0e, key, "", "de"}, "status=0 cas=2"},
      {{0x1a, key, "", "_"}, ""},
      {{0x19, key, "", "no", 2}, "status=2 value=Data exists for key."},
      {{0x0e, key, "", "f", 3}, "status=0 cas=4"},
      {{0x09, key}, "status=0 cas=4 extras=00000007 value=_abcdef"},
      {{0x01, key, store_extras(0, 0), "no", 3}, "status=2 value=Data exists for key."},
      {{0x11, key, store_extras(0, 0), "no", 5}, "status=2 value=Data exists for key."},
      {{0x03, key, store_extras(1, 0), "10", 4}, "status=0 cas=5"},
      {{0x05, key, arithmetic_extras(5, 99, 0)}, "status=0 cas=6 value=" + number(15)},
      {{0x16, key, arithmetic_extras(6, 99, 0)}, ""},
      {{0x06, key, arithmetic_extras(10, 99, 0)}, "status=0 cas=8 value=" + number(0)},
      {{0x1c, key, exptime_extras(1000)}, "status=0 cas=8 extras=00000001"},
      {{0x11, key, store_extras(0, 0), "text"}, ""},
      {{0x15, key, arithmetic_extras(1, 0, 0)}, "status=6 value=Non-numeric server-side value for incr or decr"},
      {{0x1d, key, exptime_extras(1000)}, "status=0 cas=9 extras=00000000 value=text"},
      {{0x24, key, exptime_extras(1000)}, "status=0 cas=9 extras=00000000 key=" + key + " value=text"},
      {{0x04, key, "", "", 8}, "status=2 value=Data exists for key."},
      {{0x04, key, "", "", 10}, "status=2 value=Data exists for key."},
      {{0x04, key, "", "", 9}, "status=0"},
      {{0x14, key}, "status=1 value=Not found"},
      {{0x05, key, arithmetic_extras(1, 42, not_made)}, "status=1 value=Not found"},
      {{0x05, key, arithmetic_extras(1, 42, 0)}, "status=0 cas=10 value=" + number(42)},
      {{0x00, key}, "status=0 cas=10 extras=00000000 value=42"},
      {{0x14, key}, ""},
      {{0x0c, key}, "status=1 key=" + key},
      {{0x0a}, "status=0"},
  };
}

class BinaryProtocol : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void SetUp() override {
    cluster_.start();
    cluster_.make_master(0);
    cluster_.make_slave(1, 0);  // with balance 0 its reads go to the master: each client reads what it wrote
  }

  [[nodiscard]] std::size_t nodes() const { return cluster_.plan().nodes.size(); }
  [[nodiscard]] BinaryClient client_of(std::size_t number) const { return BinaryClient{cluster_.node(number)}; }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(),
                    .nodes = {{"127.0.0.1", 12131}, {"127.0.0.1", 12132}, {"127.0.0.1", 12133}},
                    .node_lines = {"max-value-size = 4096"}}};
};

TEST_F(BinaryProtocol, IsTheSameConversationThroughMasterSlaveAndProxy) {
  for (std::size_t node = 0; node < nodes(); ++node) {
    auto client = client_of(node);
    std::uint32_t opaque = 0x80000000;
    for (auto step : conversation("key" + std::to_string(node))) {
      step.request.opaque = ++opaque;
      client.send(step.request);
      if (step.expected.empty()) continue;
      const auto answer = client.read();
      EXPECT_EQ(text_of(answer), step.expected) << "node " << node << ", step " << opaque - 0x80000000;
      EXPECT_EQ(answer.opaque, opaque);
      EXPECT_EQ(answer.opcode, step.request.opcode);
    }
  }
}

TEST_F(BinaryProtocol, AnswersAPipelineInOrderThroughEachNode) {
  for (std::size_t node = 0; node < nodes(); ++node) {
    std::string requests;
    std::vector<Packet> expected;
    std::uint32_t opaque = 0;
    for (auto step : conversation("pipe" + std::to_string(node))) {
      step.request.opaque = ++opaque;
      requests += request_packet(step.request);
      if (step.expected.empty()) continue;
      expected.push_back(step.request);
      expected.back().value = step.expected;
    }
    auto client = client_of(node);
    client.text().send(requests);
    for (const auto& step : expected) {
      const auto answer = client.read();
      ASSERT_EQ(text_of(answer), step.value) << "node " << node << ", request " << step.opaque;
      ASSERT_EQ(answer.opaque, step.opaque) << "node " << node;
    }
  }
}

TEST_F(BinaryProtocol, ComparesAndSwaps) {
  auto master = client_of(0);
  ASSERT_EQ(text_of(master.ask({0x01, "c", store_extras(0, 0), "1"})), "status=0 cas=1");
  for (std::size_t node = 0; node < nodes(); ++node) {
    auto first = client_of(node);
    auto second = client_of(node);
    const auto cas = first.ask({0x00, "c"}).cas;
    ASSERT_EQ(second.ask({0x00, "c"}).cas, cas);
    EXPECT_EQ(first.ask({0x01, "c", store_extras(0, 0), "first", cas}).status, 0) << "node " << node;
    EXPECT_EQ(second.ask({0x01, "c", store_extras(0, 0), "second", cas}).status, 2) << "node " << node;
    EXPECT_EQ(master.ask({0x00, "c"}).value, "first");
  }
}

// The usual multi-get of client libraries: only hits are told, the no-op ends them.
TEST_F(BinaryProtocol, TellsTheHitsOfAThousandQuietGetsAndThenTheNoop) {
  constexpr std::uint32_t count = 1'000;
  auto master = client_of(0);
  std::string requests;
  for (std::uint32_t i = 0; i < count; i += 3) {
    requests += request_packet({0x11, "m" + std::to_string(i), store_extras(i, 0), std::to_string(i)});
  }
  master.text().send(requests + request_packet({0x0a}));
  ASSERT_EQ(text_of(master.read()), "status=0");
  requests.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    requests += request_packet({.opcode = 0x0d, .key = "m" + std::to_string(i), .opaque = i});
  }
  for (std::size_t node = 0; node < nodes(); ++node) {
    auto client = client_of(node);
    client.text().send(requests + request_packet({.opcode = 0x0a, .opaque = count}));
    for (std::uint32_t i = 0; i < count; i += 3) {
      const auto answer = client.read();
      ASSERT_EQ(answer.opaque, i) << "node " << node;
      ASSERT_EQ(answer.key, "m" + std::to_string(i));
      ASSERT_EQ(answer.value, std::to_string(i));
      ASSERT_EQ(answer.extras, network(i, 4));
    }
    const auto end = client.read();
    EXPECT_EQ(end.opcode, 0x0a);
    EXPECT_EQ(end.opaque, count);
  }
}

TEST_F(BinaryProtocol, MixesWithTextOnOneConnection) {
  for (std::size_t node = 0; node < nodes(); ++node) {
    const auto key = "mix" + std::to_string(node);
    auto client = client_of(node);
    client.text().send("set " + key + " 5 0 2\r\n\x80\x81\r\n" + request_packet({0x00, key}) + "get " + key + "\r\n" +
                       request_packet({0x05, key + "n", arithmetic_extras(1, 3, 0)}) + "gets " + key + "n\r\n");
    EXPECT_EQ(client.text().read_line(), "STORED");
    EXPECT_EQ(text_of(client.read()), "status=0 cas=1 extras=00000005 value=\x80\x81") << "node " << node;
    const auto value = "VALUE " + key + " 5 2\r\n\x80\x81\r\nEND\r\n";
    EXPECT_EQ(client.text().read_exactly(value.size()), value);
    EXPECT_EQ(text_of(client.read()), "status=0 cas=1 value=" + number(3)) << "node " << node;
    EXPECT_EQ(client.text().read_line(), "VALUE " + key + "n 0 1 1");
  }
}

TEST_F(BinaryProtocol, ServesWhatIsOfNoKeyAtEachNode) {
  for (std::size_t node = 0; node < nodes(); ++node) {
    auto client = client_of(node);
    EXPECT_EQ(text_of(client.ask({0x0b})), "status=0 value=2.0.0");
    EXPECT_EQ(text_of(client.ask({0x1b, "", network(1, 4)})), "status=0");
    EXPECT_EQ(text_of(client.ask({0x20})), "status=129 value=Unknown command");
    EXPECT_EQ(text_of(client.ask({0x21, "PLAIN", "", "u"})), "status=129 value=Unknown command");
    EXPECT_EQ(text_of(client.ask({0x60, "k", "", "get k\r\n"})), "status=129 value=Unknown command");
    EXPECT_EQ(text_of(client.ask({0x10, "nosuch"})), "status=1 value=Not found");
    client.send({0x10});
    const auto stats = client.read_list();
    ASSERT_GT(stats.size(), 10u);
    EXPECT_EQ(stats[0].key, "pid");
    EXPECT_EQ(text_of(client.ask({0x0a})), "status=0");
    EXPECT_EQ(text_of(client.ask({0x07})), "status=0");
    EXPECT_TRUE(client.text().closed_by_peer());
  }
}

TEST_F(BinaryProtocol, ClosesWithoutAnAnswerAtAQuietQuit) {
  auto client = client_of(0);
  client.send({0x17});
  EXPECT_TRUE(client.text().closed_by_peer());
}

TEST_F(BinaryProtocol, FlushesTheMaster) {
  auto client = client_of(0);
  ASSERT_EQ(client.ask({0x01, "f", store_extras(0, 0), "v"}).status, 0);
  EXPECT_EQ(text_of(client.ask({0x08})), "status=0");
  EXPECT_EQ(client.ask({0x00, "f"}).status, 1);
  ASSERT_EQ(client.ask({0x01, "f", store_extras(0, 0), "v"}).status, 0);
  client.send({0x18});
  EXPECT_EQ(text_of(client.ask({0x0a})), "status=0");
  EXPECT_EQ(client.ask({0x00, "f"}).status, 1);
  auto slave = client_of(1);
  EXPECT_EQ(text_of(slave.ask({0x18})), "status=132 value=flush_all refused: this node is a slave, flush its master");
}

TEST_F(BinaryProtocol, RefusesALargeValueAndKeepsTheOldOne) {
  for (std::size_t node = 0; node < nodes(); ++node) {
    auto client = client_of(node);
    const std::string largest(4096, 'v');
    EXPECT_EQ(client.ask({0x01, "large", store_extras(0, 0), largest}).status, 0);
    EXPECT_EQ(text_of(client.ask({0x11, "large", store_extras(0, 0), largest + 'v'})), "status=3 value=Too large.");
    EXPECT_EQ(text_of(client.ask({0x0e, "large", "", "v"})), "status=3 value=Too large.") << "node " << node;
    EXPECT_EQ(client.ask({0x00, "large"}).value, largest);
  }
}

// protocol.md 9.2, 9.4: what killed the original, or gave commands to its master.
TEST_F(BinaryProtocol, SurvivesPacketsThatKilledTheOriginal) {
  for (std::size_t node = 0; node < nodes(); ++node) {
    for (const auto& bytes : {bare_header(0x01, 9, 8, 16), bare_header(0x10, 0, 0, 0x80000000),
                              bare_header(0x00, 0xffff, 0, 1), bare_header(0x01, 0, 0, 0xffffffff)}) {
      auto client = client_of(node);
      client.text().send(bytes);
      EXPECT_NE(client.read().status, 0);
      EXPECT_TRUE(client.text().closed_by_peer());
    }
    auto client = client_of(node);
    EXPECT_EQ(client.ask({0x01, "k\r\nset injected 0 0 1\r\nx", store_extras(0, 0), "v"}).status, 4);
    EXPECT_EQ(client.ask({0x00, "injected"}).status, 1);
    EXPECT_TRUE(serves(cluster_.node(node)));
  }
}

}  // namespace
}  // namespace flare::test
