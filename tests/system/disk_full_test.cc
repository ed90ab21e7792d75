// docs/design.md 3.8: a full disk is an answer, never a signal. Each disk is a tmpfs of the test's own mount table.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <memory>
#include <set>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/small_disk.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

const std::string out_of_space = "SERVER_ERROR out of disk space";
constexpr std::uint64_t megabyte = 1024 * 1024;

class DiskFull : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    enter_private_network();
    enter_private_mounts();
  }

  DiskFull() {
    plan_ = {.folder = folder_.path(),
             .index = {"127.0.0.1", 12120},
             .nodes = {{"127.0.0.1", 12121}},
             .node_lines = {"storage-bucket-size = 16384", "log-max-size = 1M", "threads = 2"}};
    cluster_ = std::make_unique<Cluster>(plan_);
  }

  void lead() {
    cluster_->start();
    cluster_->make_master(0);
    ASSERT_TRUE(leads());
  }

  // The map is the index's: the node follows a moment later.
  bool leads() {
    return eventually([&] {
      auto client = try_connect(node());
      return client && client->ask("incr nothing 1") == "NOT_FOUND";
    });
  }

  const Address& node() const { return cluster_->node(0); }
  std::filesystem::path data() const { return cluster_->data_of(node()); }

  // The client's record: what was acknowledged.
  std::string set(TextClient& client, int number, std::size_t bytes) {
    const auto value = std::to_string(number) + std::string(bytes, static_cast<char>('a' + number % 26));
    const auto key = "key-" + std::to_string(number);
    const auto answer = client.ask("set " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value);
    if (answer == "STORED") acknowledged_[key] = value;
    return answer;
  }

  // Writes until nothing of `bytes` finds room; returns how many were stored.
  int fill(TextClient& client, std::size_t bytes) {
    int stored = 0;
    for (int i = 0; i < 200'000; ++i, ++next_) {
      const auto answer = set(client, next_, bytes);
      if (answer == out_of_space) return stored;
      if (answer != "STORED") {
        ADD_FAILURE() << answer;
        return stored;
      }
      ++stored;
    }
    ADD_FAILURE() << "the disk does not become full";
    return stored;
  }

  void expect_all_there() {
    TextClient client{node()};
    std::size_t wrong = 0;
    std::string example;
    for (const auto& [key, value] : acknowledged_) {
      const auto lines = client.ask_all("get " + key);
      if (lines.size() != 3 || lines[1] != value) ++wrong, example = key + ": " + lines.back();
    }
    EXPECT_EQ(wrong, 0U) << "of " << acknowledged_.size() << " acknowledged, such as " << example;
  }

  TempDir folder_;
  ClusterPlan plan_;
  std::unique_ptr<Cluster> cluster_;
  std::map<std::string, std::string> acknowledged_;
  int next_ = 0;
};

TEST_F(DiskFull, OfTheStoreRefusesWritesOnlyLosesNothingAndRecoversByItself) {
  SmallDisk disk{data(), 12 * megabyte};
  lead();
  TextClient client{node()};
  EXPECT_GT(fill(client, 2000), 500);
  EXPECT_EQ(ask_stat(node(), "stats", "disk_full"), "1");
  EXPECT_GT(disk.free_bytes(), 0U) << "the reserve";
  disk.fill();  // now somebody else takes the reserve, too
  EXPECT_EQ(set(client, next_, 2000), out_of_space);
  EXPECT_EQ(client.ask_all("gat 1000 key-0").back(), out_of_space) << "what cannot be touched is no miss";
  EXPECT_TRUE(cluster_->node_process(0).running());
  EXPECT_TRUE(serves(node()));
  expect_all_there();
  fill(client, 1);  // to the last byte
  EXPECT_TRUE(serves(node()));
  expect_all_there();
  EXPECT_EQ(cluster_->view(0)->state, "active");

  disk.give_back();
  EXPECT_TRUE(eventually([&] { return set(client, ++next_, 100) == "STORED"; }));
  disk.resize(24 * megabyte);
  EXPECT_TRUE(eventually([&] { return set(client, ++next_, 2000) == "STORED"; }));
  EXPECT_EQ(ask_stat(node(), "stats", "disk_full"), "0");
  expect_all_there();
}

TEST_F(DiskFull, OfTheStoreLosesNothingWhenTheProcessIsKilledOnIt) {
  SmallDisk disk{data(), 10 * megabyte};
  lead();
  for (int round = 0; round < 5; ++round) {
    TextClient client{node()};
    fill(client, 3000);
    fill(client, 10);
    cluster_->node_process(0).kill();
    cluster_->spawn_node(0);
    ASSERT_TRUE(leads()) << "round " << round;
    expect_all_there();
    disk.resize((11 + static_cast<std::uint64_t>(round)) * megabyte);
  }
}

TEST_F(DiskFull, OfDeletesAndOverwritesNeverIsASignal) {
  SmallDisk disk{data(), 10 * megabyte};
  lead();
  TextClient client{node()};
  fill(client, 1500);
  disk.fill();
  for (int i = 0; i < next_; ++i) {
    const auto key = "key-" + std::to_string(i);
    if (i % 3 == 0) {
      if (client.ask("delete " + key) == "DELETED") acknowledged_.erase(key);
    } else {
      const auto answer = set(client, i, 500 + static_cast<std::size_t>(i * 7 % 3000));
      EXPECT_TRUE(answer == "STORED" || answer == out_of_space) << answer;
    }
  }
  EXPECT_TRUE(cluster_->node_process(0).running());
  expect_all_there();
  disk.give_back();
  EXPECT_TRUE(eventually([&] { return set(client, ++next_, 100) == "STORED"; }));
}

TEST_F(DiskFull, OfTheLogRefusesWritesOnlyAndRecoversByItself) {
  lead();
  {
    TextClient client{node()};
    EXPECT_EQ(set(client, 1, 100), "STORED");
  }
  ASSERT_TRUE(cluster_->node_process(0).stop());
  const auto log = data() / "log";
  std::filesystem::rename(log, data() / "log-before");
  SmallDisk disk{log, 2 * megabyte};
  for (const auto& entry : std::filesystem::directory_iterator{data() / "log-before"}) {
    std::filesystem::copy(entry.path(), log / entry.path().filename());
  }
  cluster_->spawn_node(0);
  ASSERT_TRUE(leads());
  TextClient client{node()};
  const auto first_refusal = [&] {
    for (int i = 0; i < 20'000; ++i, ++next_) {
      const auto answer = set(client, next_, 4000);
      if (answer == out_of_space) return true;
      if (answer != "STORED") return false;
    }
    return false;
  };
  disk.fill();
  EXPECT_TRUE(first_refusal());
  EXPECT_TRUE(serves(node()));
  expect_all_there();
  disk.give_back();
  EXPECT_TRUE(eventually([&] { return set(client, ++next_, 100) == "STORED"; }));
  expect_all_there();
}

TEST_F(DiskFull, OfSnapshotsIsToldAndNothingElseStops) {
  plan_.node_lines.emplace_back("durability = interval");
  cluster_ = std::make_unique<Cluster>(plan_);
  SmallDisk disk{data() / "snapshots", 1 * megabyte};
  lead();
  disk.fill();
  TextClient client{node()};
  for (; next_ < 6000; ++next_) ASSERT_EQ(set(client, next_, 1000), "STORED");
  EXPECT_TRUE(eventually([&] { return read_file(cluster_->log_of(node())).find("snapshot") != std::string::npos; }));
  EXPECT_TRUE(serves(node()));
  expect_all_there();
}

TEST_F(DiskFull, OfTheIndexRefusesAChangeAndKeepsTheOldMap) {
  const auto index_data = cluster_->data_of(cluster_->index());
  SmallDisk disk{index_data, megabyte};
  lead();
  const auto before = read_file(index_data / "flare.xml");
  disk.fill();
  const auto answer = cluster_->ask_index("node role 127.0.0.1 12121 master 7 0");
  EXPECT_TRUE(answer.starts_with("SERVER_ERROR")) << answer;
  EXPECT_EQ(read_file(index_data / "flare.xml"), before);
  EXPECT_EQ(cluster_->view(0)->balance, "1");
  EXPECT_TRUE(serves(cluster_->index()));
  disk.give_back();
  EXPECT_TRUE(
      eventually([&] { return cluster_->ask_index("node role 127.0.0.1 12121 master 7 0").starts_with("OK"); }));
  EXPECT_NE(read_file(index_data / "flare.xml"), before);
}

// A proxy: a master refuses a flush for a while after it was looked at (design.md 3.7).
TEST_F(DiskFull, AFlushWithoutRoomForTheNewStoreSaysSoAndLeavesTheOld) {
  SmallDisk disk{data(), 12 * megabyte};
  cluster_->start();
  TextClient client{node()};
  ASSERT_EQ(client.ask("flush_all"), "OK");
  disk.fill();
  EXPECT_EQ(client.ask("flush_all"), out_of_space);
  EXPECT_TRUE(serves(node()));
  EXPECT_FALSE(std::filesystem::exists(data() / "flare.kch.new"));
  disk.give_back();
  EXPECT_EQ(client.ask("flush_all"), "OK");
}

}  // namespace
}  // namespace flare::test
