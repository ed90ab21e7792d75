// Writes of one cluster go to another one (docs/spec/cluster.md 7): duplicated from the log, or all requests forwarded.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr Milliseconds arrive_limit{60'000};

std::string stat(const Address& node, const std::string& name) { return ask_stat(node, "stats", name); }

std::string get(const Address& node, const std::string& key) {
  TextClient client{node};
  client.send("get " + key + "\r\n");
  const auto lines = client.read_until_end();
  return lines.size() == 3 ? lines[1] : std::string{};
}

// The entry's line of a dump: flags, size, version and the moment it expires at.
std::string dumped(const Address& node, const std::string& key) {
  for (const auto& line : TextClient{node}.ask_all("dump")) {
    if (line.starts_with("VALUE " + key + " ")) return line;
  }
  return {};
}

void set(TextClient& client, const std::string& key, const std::string& value) {
  client.send("set " + key + " 7 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
  ASSERT_EQ(client.read_line(), "STORED") << key;
}

void set_many(const Address& node, int first, int count, const std::string& value) {
  TextClient client{node};
  for (int number = first; number < first + count; ++number) set(client, "k" + std::to_string(number), value);
}

class ClusterReplication : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  [[nodiscard]] static std::vector<std::string> lines_to(const Address& target, const std::string& mode) {
    return {"cluster-replication = true", "cluster-replication-server-name = " + target.name,
            "cluster-replication-server-port = " + std::to_string(target.port), "cluster-replication-mode = " + mode};
  }

  // The receiving one has two partitions, so that its node passes keys on.
  void start_other() {
    other_.start();
    other_.make_master(0);
    ASSERT_EQ(other_.ask_index("node role 127.0.0.2 12122 master 1 1"), "OK");
    ASSERT_TRUE(other_.becomes(1, "master", "ready"));
    ASSERT_EQ(other_.ask_index("node state 127.0.0.2 12122 active"), "OK");
    ASSERT_TRUE(other_.becomes(1, "master", "active"));
    ASSERT_TRUE(other_.settles());
  }

  void start_own(const std::string& mode = "duplicate", const std::vector<std::string>& more_lines = {}) {
    plan_.node_lines = lines_to(other_.node(0), mode);
    plan_.node_lines.insert(plan_.node_lines.end(), more_lines.begin(), more_lines.end());
    own_.emplace(plan_);
    own_->start();
    own_->make_master(0);
  }

  [[nodiscard]] bool caught_up() const {
    return eventually(
        [&] {
          return stat(own_->node(0), "cluster_replication_state") == "stream" &&
                 stat(own_->node(0), "cluster_replication_lag") == "0";
        },
        arrive_limit);
  }

  [[nodiscard]] bool comes_to_other(const std::string& key, const std::string& value) const {
    return eventually([&] { return get(other_.node(1), key) == value; }, arrive_limit);
  }

  TempDir folder_;
  Cluster other_{{.folder = folder_.path() / "other",
                  .index = {"127.0.0.2", 12120},
                  .nodes = {{"127.0.0.2", 12121}, {"127.0.0.2", 12122}},
                  .bind_addresses = true}};
  ClusterPlan plan_{.folder = folder_.path() / "own",
                    .index = {"127.0.0.1", 12120},
                    .nodes = {{"127.0.0.1", 12121}},
                    .bind_addresses = true};
  std::optional<Cluster> own_;
};

TEST_F(ClusterReplication, DuplicatesEachKindOfWriteWithFlagsAndVersion) {
  start_other();
  start_own();
  TextClient client{own_->node(0)};
  set(client, "a", "1");
  set(client, "b", "x");
  set(client, "gone", "x");
  EXPECT_EQ(client.ask("incr a 41"), "42");
  client.send("append b 0 0 1\r\ny\r\n");
  EXPECT_EQ(client.read_line(), "STORED");
  EXPECT_EQ(client.ask("touch b 1000"), "TOUCHED");
  EXPECT_EQ(client.ask("delete gone"), "DELETED");
  ASSERT_TRUE(caught_up()) << stat(own_->node(0), "cluster_replication_error");
  EXPECT_TRUE(comes_to_other("a", "42"));
  EXPECT_TRUE(comes_to_other("b", "xy"));
  EXPECT_TRUE(comes_to_other("gone", ""));
  EXPECT_EQ(dumped(other_.node(0), "b") + dumped(other_.node(1), "b"), dumped(own_->node(0), "b"))
      << "flags, version and time to live";
  EXPECT_EQ(stat(own_->node(0), "cluster_replication_left_out"), "0");
}

TEST_F(ClusterReplication, SendsWhatWasThereBeforeItWasTurnedOnBySighup) {
  start_other();
  plan_.node_lines = {};
  own_.emplace(plan_);
  own_->start();
  own_->make_master(0);
  set_many(own_->node(0), 0, 500, "old");
  EXPECT_EQ(stat(own_->node(0), "cluster_replication_mode"), "") << "nothing is said while it is off";
  std::ofstream config{own_->config_of(own_->node(0)), std::ios::app};
  for (const auto& line : lines_to(other_.node(0), "duplicate")) config << line << "\n";
  config.close();
  own_->node_process(0).send(SIGHUP);
  EXPECT_TRUE(comes_to_other("k499", "old"));
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(stat(own_->node(0), "cluster_replication_full_passes"), "1");
  EXPECT_EQ(stat(own_->node(0), "cluster_replication_pass_records"), "500");
  EXPECT_TRUE(comes_to_other("k0", "old"));
}

TEST_F(ClusterReplication, GoesOnFromTheLogWhenTheOtherSideWasKilled) {
  start_other();
  start_own();
  set_many(own_->node(0), 0, 200, "first");
  ASSERT_TRUE(caught_up());
  const auto passes = stat(own_->node(0), "cluster_replication_full_passes");
  other_.node_process(0).kill();
  other_.node_process(1).kill();
  set_many(own_->node(0), 100, 200, "second");
  EXPECT_EQ(TextClient{own_->node(0)}.ask("delete k0"), "DELETED");
  EXPECT_TRUE(eventually([&] { return stat(own_->node(0), "cluster_replication_state") == "connecting"; }));
  EXPECT_NE(stat(own_->node(0), "cluster_replication_error"), "");
  EXPECT_EQ(stat(own_->node(0), "cluster_replication_lag"), "201");
  other_.start_node(0);
  other_.start_node(1);
  ASSERT_TRUE(caught_up()) << stat(own_->node(0), "cluster_replication_error");
  EXPECT_TRUE(comes_to_other("k299", "second"));
  EXPECT_TRUE(comes_to_other("k100", "second"));
  EXPECT_TRUE(comes_to_other("k99", "first"));
  EXPECT_TRUE(comes_to_other("k0", ""));
  EXPECT_EQ(stat(own_->node(0), "cluster_replication_full_passes"), passes) << "the log reached back";
}

TEST_F(ClusterReplication, GoesOnFromItsStoredPositionWhenItsMasterWasKilled) {
  start_other();
  start_own();
  set_many(own_->node(0), 0, 200, "first");
  ASSERT_TRUE(caught_up());
  const auto file = own_->data_of(own_->node(0)) / "cluster-replication";
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(file); }));
  other_.node_process(0).freeze();
  set_many(own_->node(0), 200, 100, "unsent");
  own_->node_process(0).kill();
  other_.node_process(0).thaw();
  own_->start_node(0);
  ASSERT_TRUE(own_->becomes(0, "master", "active"));
  ASSERT_TRUE(caught_up());
  EXPECT_TRUE(comes_to_other("k299", "unsent"));
  EXPECT_TRUE(comes_to_other("k0", "first"));
  EXPECT_EQ(stat(own_->node(0), "cluster_replication_full_passes"), "0") << "it resumed";
}

TEST_F(ClusterReplication, SendsTheWholeStoreAgainWhenTheLogIsTooShort) {
  start_other();
  start_own("duplicate", {"log-max-size = 1M"});
  set_many(own_->node(0), 0, 10, "first");
  ASSERT_TRUE(caught_up());
  const auto passes = stat(own_->node(0), "cluster_replication_full_passes");
  other_.node_process(0).kill();
  set_many(own_->node(0), 0, 400, std::string(100'000, 'v'));
  other_.start_node(0);
  ASSERT_TRUE(caught_up()) << stat(own_->node(0), "cluster_replication_error");
  EXPECT_TRUE(comes_to_other("k399", std::string(100'000, 'v')));
  EXPECT_NE(stat(own_->node(0), "cluster_replication_full_passes"), passes);
}

class ClustersThatSendToEachOther : public ClusterReplication {
 protected:
  void start_both() {
    start_other();
    start_own();
    for (std::size_t node = 0; node < 2; ++node) {
      std::ofstream config{other_.config_of(other_.node(node)), std::ios::app};
      for (const auto& line : lines_to(own_->node(0), "duplicate")) config << line << "\n";
      config.close();
      other_.node_process(node).send(SIGHUP);
    }
    ASSERT_TRUE(eventually([&] { return streams(other_.node(0)) && streams(other_.node(1)); }, arrive_limit));
    ASSERT_TRUE(caught_up());
  }

  [[nodiscard]] static bool streams(const Address& node) { return stat(node, "cluster_replication_state") == "stream"; }
  [[nodiscard]] std::uint64_t entries() const {
    std::uint64_t sum = 0;
    for (const auto& node : {own_->node(0), other_.node(0), other_.node(1)}) {
      sum += std::stoull(stat(node, "cluster_replication_sequence"));
    }
    return sum;
  }

  /// When a write has gone there and another has come back, both clusters have logged these two and nothing else.
  [[nodiscard]] bool come_to_rest() {
    return eventually(
        [&] {
          if (!caught_up_everywhere()) return false;
          const auto before = entries();
          const auto round = std::to_string(++rounds_);
          TextClient own{own_->node(0)};
          set(own, "there", round);
          if (!comes_to_other("there", round)) return false;
          TextClient other{other_.node(0)};
          set(other, "back", round);
          if (!eventually([&] { return get(own_->node(0), "back") == round; }, arrive_limit)) return false;
          return caught_up_everywhere() && entries() == before + 4;
        },
        arrive_limit);
  }
  [[nodiscard]] bool caught_up_everywhere() const {
    return eventually(
        [&] {
          return stat(own_->node(0), "cluster_replication_lag") == "0" &&
                 stat(other_.node(0), "cluster_replication_lag") == "0" &&
                 stat(other_.node(1), "cluster_replication_lag") == "0";
        },
        arrive_limit);
  }

 private:
  int rounds_ = 0;
};

// docs/spec/cluster.md 7: versions stop sets; touches, deletions and sets in front of them need rules of their own.
TEST_F(ClustersThatSendToEachOther, ComeToRestWhateverWasWritten) {
  constexpr int keys = 200;
  start_both();
  TextClient own{own_->node(0)};
  TextClient other{other_.node(0)};
  for (int key = 0; key < keys; ++key) set(own, "t" + std::to_string(key), "v");
  ASSERT_TRUE(comes_to_other("t" + std::to_string(keys - 1), "v"));
  std::string at_own;
  std::string at_other;
  for (int key = 0; key < keys; ++key) {
    const auto number = std::to_string(key);
    at_own += "touch t" + number + " 1000\r\nset d" + number + " 0 0 1\r\nx\r\ndelete d" + number + "\r\n";
    at_other += "touch t" + number + " 2000\r\n";
  }
  own.send(at_own);
  other.send(at_other);
  for (int key = 0; key < keys; ++key) {
    EXPECT_EQ(own.read_line(), "TOUCHED");
    EXPECT_EQ(own.read_line(), "STORED");
    EXPECT_EQ(own.read_line(), "DELETED");
    EXPECT_EQ(other.read_line(), "TOUCHED");
  }
  ASSERT_TRUE(come_to_rest()) << "what was written goes round and round";
  for (int key = 0; key < keys; ++key) {
    const auto name = "d" + std::to_string(key);
    EXPECT_EQ(get(own_->node(0), name), "") << "a deleted key came back";
    EXPECT_EQ(get(other_.node(0), name), "") << "a deleted key came back";
  }
  EXPECT_EQ(own.ask("touch t0 3000"), "TOUCHED");
  const auto expires_at = [](const std::string& line) { return line.substr(line.rfind(' ') + 1); };
  const auto expected = expires_at(dumped(own_->node(0), "t0"));
  EXPECT_TRUE(
      eventually([&] { return expires_at(dumped(other_.node(0), "t0") + dumped(other_.node(1), "t0")) == expected; },
                 arrive_limit));
  EXPECT_TRUE(come_to_rest());
}

// An operator's word for this cluster is none for the other one.
TEST_F(ClusterReplication, LeavesTheOtherClustersDataWhereItIsWhenThisOneIsFlushed) {
  start_other();
  start_own();
  set_many(own_->node(0), 0, 10, "v");
  ASSERT_TRUE(comes_to_other("k9", "v"));
  EXPECT_EQ(TextClient{own_->node(0)}.ask("flush_all"), "OK");
  EXPECT_EQ(get(own_->node(0), "k9"), "");
  set_many(own_->node(0), 10, 1, "behind");
  ASSERT_TRUE(comes_to_other("k10", "behind"));
  EXPECT_EQ(get(other_.node(0), "k9"), "v");
}

TEST_F(ClusterReplication, ForwardsEverythingAndLeavesItsOwnStoreAlone) {
  start_other();
  start_own("forward");
  TextClient client{own_->node(0)};
  set(client, "a", "1");
  EXPECT_EQ(client.ask("incr a 1"), "2");
  EXPECT_EQ(get(own_->node(0), "a"), "2");
  EXPECT_EQ(get(other_.node(1), "a"), "2");
  EXPECT_EQ(client.ask("mg a v"), "VA 1");
  EXPECT_EQ(client.read_line(), "2");
  EXPECT_EQ(client.ask("delete a"), "DELETED");
  EXPECT_EQ(get(other_.node(0), "a"), "");
  EXPECT_EQ(client.ask("delete a"), "NOT_FOUND");
  EXPECT_EQ(stat(own_->node(0), "curr_items"), "0");
  EXPECT_EQ(stat(own_->node(0), "cluster_replication_mode"), "forward");
}

TEST_F(ClusterReplication, RefusesANodeOfItsOwnClusterAsTheOther) {
  plan_.node_lines = lines_to(plan_.nodes[0], "forward");
  own_.emplace(plan_);
  own_->start();
  own_->make_master(0);
  TextClient client{own_->node(0)};
  set(client, "a", "1");
  EXPECT_EQ(get(own_->node(0), "a"), "1");
  EXPECT_TRUE(eventually([&] { return stat(own_->node(0), "cluster_replication_mode") == "refused"; }));
}

}  // namespace
}  // namespace flare::test
