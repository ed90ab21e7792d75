// daemons.md 3.5: what a client and an operator see of a damaged record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/binary_client.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

class DamagedStore : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // A master whose record of key-42 is damaged, and a proxy that forwards to it.
  void SetUp() override {
    cluster_.start();
    cluster_.make_master(0);
    ASSERT_TRUE(eventually([this] { return leads(); }));
    for (int i = 0; i < 100; ++i) {
      const auto value = "value-" + std::to_string(i) + "!";
      ASSERT_EQ(TextClient{node()}.ask("set key-" + std::to_string(i) + " 0 0 " + std::to_string(value.size()) +
                                       "\r\n" + value),
                "STORED");
    }
    ASSERT_TRUE(cluster_.node_process(0).stop());
    const auto store = cluster_.data_of(node()) / "flare.kch";
    auto bytes = read_file(store);
    const auto at = bytes.find("value-42!");
    ASSERT_NE(at, std::string::npos);
    bytes[at - 16] ^= 1;  // the size in the record's header (protocol.md 7)
    write_file(store, bytes);
    cluster_.spawn_node(0);
    ASSERT_TRUE(eventually([this] { return leads(); }));
    ASSERT_TRUE(cluster_.settles());
  }
  [[nodiscard]] bool leads() const {
    auto client = try_connect(node());
    return client && client->ask("delete nothing") == "NOT_FOUND";
  }
  [[nodiscard]] const Address& node() const { return cluster_.node(0); }
  [[nodiscard]] const Address& proxy() const { return cluster_.node(1); }

  TempDir folder_;
  Cluster cluster_{
      {.folder = folder_.path(), .index = {"127.0.0.1", 12120}, .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}}}};
};

constexpr const char* io_error = "SERVER_ERROR i/o error";

TEST_F(DamagedStore, AnswersErrorsNotMissesAndEndsNoDumpWithEnd) {
  TextClient client{node()};
  EXPECT_EQ(client.ask_all("get key-42"), std::vector<std::string>{io_error});
  EXPECT_EQ(client.ask_all("get key-41 key-42 key-43"),
            (std::vector<std::string>{"VALUE key-41 0 9", "value-41!", "VALUE key-43 0 9", "value-43!", io_error}));
  EXPECT_EQ(client.ask_all("get key-41").back(), "END");
  for (const char* dump : {"dump", "dump_key"}) EXPECT_EQ(client.ask_all(dump).back(), io_error) << dump;
  EXPECT_NE(ask_stat(node(), "stats", "damaged_records"), "0");
  EXPECT_THAT(read_file(cluster_.log_of(node())), testing::HasSubstr("'key-42' is damaged"));

  EXPECT_EQ(client.ask("set key-42 0 0 5\r\nwhole"), "STORED");
  EXPECT_EQ(client.ask_all("get key-42")[1], "whole");
  EXPECT_EQ(client.ask_all("dump_key").size(), 101U);
}

// The default of proxy-read-error, miss, is for nodes that give no answer (cluster.md 9.11).
TEST_F(DamagedStore, IsToldAsAnErrorThroughANodeThatForwards) {
  using Lines = std::vector<std::string>;
  const auto value = [](const std::string& key, const std::string& data) {
    return Lines{"VALUE " + key + " 0 9", data};
  };
  const auto with = [](Lines lines, const std::string& end) {
    lines.push_back(end);
    return lines;
  };
  TextClient client{proxy()};
  ASSERT_TRUE(eventually([&] { return client.ask_all("get key-41") == with(value("key-41", "value-41!"), "END"); }));
  for (const auto& request : {"get key-42", "gets key-42", "gat 0 key-42 nosuch-key", "get nosuch-key key-42"}) {
    EXPECT_EQ(client.ask_all(request), Lines{io_error}) << request;
  }
  EXPECT_EQ(client.ask_all("get key-41 key-42"), with(value("key-41", "value-41!"), io_error));
  EXPECT_EQ(client.ask_all("get nosuch-key"), Lines{"END"});
  for (const auto& request : {"mg key-42 v", "mg key-42 v q", "mg key-42 t v", "incr key-42 1", "touch key-42 9",
                              "append key-42 0 0 1\r\nx", "delete key-42"}) {
    EXPECT_EQ(client.ask(request), io_error) << request;
  }
  BinaryClient binary{proxy()};
  constexpr std::uint8_t get = 0x00;
  constexpr std::uint8_t quiet_get = 0x09;
  for (const auto opcode : {get, quiet_get}) {
    const auto answer = binary.ask({.opcode = opcode, .key = "key-42"});
    EXPECT_EQ(answer.status, 0x84);
    EXPECT_EQ(answer.value, "i/o error");
  }
  EXPECT_EQ(client.ask("set key-42 0 0 9\r\nwhole-42!"), "STORED");
  EXPECT_EQ(client.ask_all("get key-42"), with(value("key-42", "whole-42!"), "END"));
}

}  // namespace
}  // namespace flare::test
