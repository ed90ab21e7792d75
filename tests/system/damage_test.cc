// daemons.md 3.5: what a client and an operator see of a damaged record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

class DamagedStore : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }
};

TEST_F(DamagedStore, AnswersErrorsNotMissesAndEndsNoDumpWithEnd) {
  TempDir folder;
  Cluster cluster{{.folder = folder.path(), .index = {"127.0.0.1", 12120}, .nodes = {{"127.0.0.1", 12121}}}};
  cluster.start();
  cluster.make_master(0);
  const auto& node = cluster.node(0);
  const auto leads = [&] {
    auto client = try_connect(node);
    return client && client->ask("delete nothing") == "NOT_FOUND";
  };
  ASSERT_TRUE(eventually(leads));
  for (int i = 0; i < 100; ++i) {
    const auto value = "value-" + std::to_string(i) + "!";
    ASSERT_EQ(
        TextClient{node}.ask("set key-" + std::to_string(i) + " 0 0 " + std::to_string(value.size()) + "\r\n" + value),
        "STORED");
  }
  ASSERT_TRUE(cluster.node_process(0).stop());
  const auto store = cluster.data_of(node) / "flare.kch";
  auto bytes = read_file(store);
  const auto at = bytes.find("value-42!");
  ASSERT_NE(at, std::string::npos);
  bytes[at - 16] ^= 1;  // the size in the record's header (protocol.md 7)
  write_file(store, bytes);
  cluster.spawn_node(0);
  ASSERT_TRUE(eventually(leads));

  TextClient client{node};
  const std::string io_error = "SERVER_ERROR i/o error";
  EXPECT_EQ(client.ask_all("get key-42"), std::vector{io_error});
  EXPECT_EQ(client.ask_all("get key-41 key-42 key-43"),
            (std::vector<std::string>{"VALUE key-41 0 9", "value-41!", "VALUE key-43 0 9", "value-43!", io_error}));
  EXPECT_EQ(client.ask_all("get key-41").back(), "END");
  for (const char* dump : {"dump", "dump_key"}) EXPECT_EQ(client.ask_all(dump).back(), io_error) << dump;
  EXPECT_NE(ask_stat(node, "stats", "damaged_records"), "0");
  EXPECT_THAT(read_file(cluster.log_of(node)), testing::HasSubstr("'key-42' is damaged"));

  EXPECT_EQ(client.ask("set key-42 0 0 5\r\nwhole"), "STORED");
  EXPECT_EQ(client.ask_all("get key-42")[1], "whole");
  EXPECT_EQ(client.ask_all("dump_key").size(), 101U);
}

}  // namespace
}  // namespace flare::test
