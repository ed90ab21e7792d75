// design.md 3.4: nothing acknowledged is lost by kill -9, and the start after it is quick.
#include <gtest/gtest.h>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::size_t node = 0;

class Restart : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  static constexpr int batch = 50;

  static std::string key(int number) { return "key" + std::to_string(number); }
  static std::string value(int round, int number) { return std::to_string(round) + "-" + std::to_string(number); }

  // Sets `batch` keys to the round's value and removes one of the round before; true if all was acknowledged.
  bool write_round(TextClient& client, int round) {
    std::string requests;
    for (int number = 0; number < batch; ++number) {
      const auto text = value(round, number);
      requests += "set " + key(number) + " 0 0 " + std::to_string(text.size()) + "\r\n" + text + "\r\n";
    }
    requests += "set round" + std::to_string(round) + " 0 0 1\r\nx\r\n";
    requests += "delete round" + std::to_string(round - 1) + "\r\n";
    client.send(requests);
    for (int number = 0; number <= batch; ++number) {
      if (client.read_line() != "STORED") return false;
    }
    const auto removed = client.read_line();
    return removed == "DELETED" || (round == 0 && removed == "NOT_FOUND");
  }

  // Each key holds the value of the last acknowledged round or, since a kill may cut the next, of that one.
  void expect_rounds(int acknowledged) {
    TextClient client{cluster_.node(node)};
    for (int number = 0; number < batch; ++number) {
      const auto answer = client.ask_all("get " + key(number));
      ASSERT_EQ(answer.size(), 3U) << key(number) << " is lost";
      EXPECT_TRUE(answer[1] == value(acknowledged, number) || answer[1] == value(acknowledged + 1, number))
          << key(number) << " holds " << answer[1] << ", acknowledged was round " << acknowledged;
    }
    for (int round = 0; round < acknowledged; ++round) {
      EXPECT_EQ(client.ask("get round" + std::to_string(round)), "END") << "a deleted key is back";
    }
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(), .nodes = {{"127.0.0.1", 12121}}}};
};

TEST_F(Restart, AfterKillLosesNothingAcknowledged) {
  cluster_.start();
  cluster_.make_master(node);
  int round = 0;
  for (int kills = 0; kills < 3; ++kills) {
    int acknowledged = -1;
    {
      TextClient client{cluster_.node(node)};
      const int last = round + 40;
      for (; round < last && write_round(client, round); ++round) acknowledged = round;
      // The next round is under way when the kill comes.
      client.send("set " + key(0) + " 0 0 " + std::to_string(value(round, 0).size()) + "\r\n" + value(round, 0) +
                  "\r\n");
    }
    ASSERT_GE(acknowledged, 0);
    cluster_.node_process(node).kill();
    cluster_.start_node(node);
    ASSERT_TRUE(cluster_.becomes(node, "master", "active")) << "cluster.md 4.4: a preserved master returns as master";
    ASSERT_TRUE(eventually([&] { return TextClient{cluster_.node(node)}.ask_all("get " + key(0)).size() == 3; }));
    expect_rounds(acknowledged);
    round = acknowledged + 1;
    TextClient client{cluster_.node(node)};
    ASSERT_TRUE(write_round(client, round)) << "it takes writes again";
    ++round;
  }
}

TEST_F(Restart, InOrderKeepsEverythingAndNeedsNoRepair) {
  cluster_.start();
  cluster_.make_master(node);
  {
    TextClient client{cluster_.node(node)};
    for (int round = 0; round < 20; ++round) ASSERT_TRUE(write_round(client, round));
  }
  const auto ending = cluster_.node_process(node).stop();
  ASSERT_TRUE(ending.has_value());
  EXPECT_EQ(ending->code, 0);
  cluster_.start_node(node);
  ASSERT_TRUE(cluster_.becomes(node, "master", "active"));
  ASSERT_TRUE(eventually([&] { return TextClient{cluster_.node(node)}.ask_all("get " + key(0)).size() == 3; }));
  expect_rounds(19);
}

TEST_F(Restart, OfTheIndexDisturbsNobody) {
  cluster_.start();
  cluster_.make_master(node);
  const auto before = cluster_.map();
  cluster_.index_process().kill();
  TextClient client{cluster_.node(node)};
  EXPECT_TRUE(write_round(client, 0)) << "cluster.md 3: nodes go on with the last map";
  cluster_.start_index();
  EXPECT_EQ(cluster_.map(), before);
  EXPECT_TRUE(write_round(client, 1));
}

}  // namespace
}  // namespace flare::test
