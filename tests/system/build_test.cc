// Slaves are built (docs/replication.md 4): several at once, under writes, slowed down, broken off on either side.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::size_t master = 0;
constexpr std::size_t records = 4000;
constexpr std::size_t value_bytes = 1000;
constexpr Milliseconds build_limit{60'000};
constexpr int slow_kb_s = 64;  // a build takes a minute: what a test does meanwhile is done while it runs
constexpr int quick_kb_s = 8192;

std::string replication(const Address& node, const std::string& name) {
  return ask_stat(node, "stats replication", name);
}

std::uint64_t number(const std::string& text) { return text.empty() ? 0 : std::stoull(text); }

std::string key(std::size_t number) { return "k" + std::to_string(number); }

/// All that the node's own store has, sorted.
std::vector<std::string> contents(const Address& node) {
  TextClient client{node, Milliseconds{30'000}};
  client.send("dump\r\n");
  auto lines = client.read_until_end();
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Overwrites and deletes while it lives.
class Load {
 public:
  explicit Load(const Address& address) : thread_{[this, address] { run(address); }} {}
  ~Load() { stop(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  void stop() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::size_t done() const { return done_; }

 private:
  void run(const Address& address) {
    try {
      TextClient client{address};
      for (std::size_t turn = 0; !ended_; ++turn) {
        const auto name = key(turn % records);
        if (turn % 5 == 4) {
          static_cast<void>(client.ask("delete " + name));
        } else {
          client.send("set " + name + " 1 0 7\r\nchanged\r\n");
          static_cast<void>(client.read_line());
        }
        ++done_;
      }
    } catch (const std::runtime_error&) {
      return;  // the master was killed
    }
  }

  std::atomic<bool> ended_ = false;
  std::atomic<std::size_t> done_ = 0;
  std::thread thread_;
};

class Build : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void start(int bandwidth_kb_s) {
    ClusterPlan plan{.folder = folder_.path(), .nodes = {}};
    for (std::uint16_t port = 12121; port < 12125; ++port) plan.nodes.push_back({"127.0.0.1", port});
    plan.node_lines = {"reconstruction-bwlimit = " + std::to_string(bandwidth_kb_s)};
    cluster_.emplace(plan);
    cluster_->start();
    cluster_->make_master(master);
    TextClient client{node(master)};
    const std::string value(value_bytes, 'v');
    for (std::size_t i = 0; i < records; ++i) client.send("set " + key(i) + " 0 0 1000 noreply\r\n" + value + "\r\n");
    ASSERT_EQ(client.ask("set last 0 0 1\r\nx"), "STORED");
  }

  [[nodiscard]] const Address& node(std::size_t i) const { return cluster_->node(i); }

  // Builds in work go on by it, too.
  void set_bandwidth(int kb_s) {
    for (std::size_t i = 0; i < cluster_->plan().nodes.size(); ++i) {
      const auto path = cluster_->config_of(node(i));
      auto config = read_file(path);
      const auto line = config.find("reconstruction-bwlimit");
      write_file(path, config.replace(line, config.find('\n', line) - line,
                                      "reconstruction-bwlimit = " + std::to_string(kb_s)));
      if (cluster_->node_process(i).running()) cluster_->node_process(i).send(SIGHUP);
    }
  }

  void make_slave(std::size_t i) {
    ASSERT_EQ(cluster_->ask_index("node role 127.0.0.1 " + std::to_string(node(i).port) + " slave 1 0"), "OK");
  }

  [[nodiscard]] bool is_loading(std::size_t i, std::uint64_t at_least = 10) const {
    return eventually([&] { return number(replication(node(i), "build_records")) >= at_least; }, build_limit);
  }

  /// Active only with a whole snapshot in place: asked as soon as the index shows it active.
  [[nodiscard]] bool becomes_active_and_whole(std::size_t i) const {
    if (!cluster_->becomes(i, "slave", "active", build_limit)) return false;
    return number(replication(node(i), "snapshots_loaded")) == 1;
  }

  [[nodiscard]] bool equals_master(std::size_t i) const {
    return eventually([&] { return replication(node(i), "sequence") == replication(node(master), "sequence"); }) &&
           contents(node(i)) == contents(node(master));
  }

  TempDir folder_;
  std::optional<Cluster> cluster_;
};

TEST_F(Build, OfThreeSlavesAtOnceUnderWritesLeavesThemEqualToTheirMaster) {
  start(slow_kb_s);
  for (std::size_t i = 1; i <= 3; ++i) make_slave(i);
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_TRUE(is_loading(i)) << i << " waits for the others";
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_EQ(cluster_->view(i).value().state, "prepare") << "not at once";
  Load load{node(master)};
  EXPECT_TRUE(eventually([&] { return load.done() > records / 4; }));
  set_bandwidth(quick_kb_s);
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_TRUE(becomes_active_and_whole(i)) << i;
  load.stop();
  for (std::size_t i = 1; i <= 3; ++i) EXPECT_TRUE(equals_master(i)) << i;
}

TEST_F(Build, BrokenByAKillOfTheMasterGoesOnByItself) {
  start(slow_kb_s);
  make_slave(1);
  ASSERT_TRUE(is_loading(1));
  cluster_->node_process(master).kill();
  set_bandwidth(quick_kb_s);
  EXPECT_TRUE(eventually([&] { return replication(node(1), "follow_state") == "connecting"; }));
  EXPECT_EQ(cluster_->view(1).value().state, "prepare");
  EXPECT_EQ(ask_stat(node(1), "stats", "curr_items"), "0") << "nothing of a broken build is kept";
  cluster_->start_node(master);
  ASSERT_TRUE(cluster_->becomes(master, "master", "active"));
  ASSERT_TRUE(cluster_->settles());
  EXPECT_EQ(TextClient{node(master)}.ask("delete " + key(7)), "DELETED");
  EXPECT_TRUE(becomes_active_and_whole(1));
  EXPECT_TRUE(equals_master(1));
}

TEST_F(Build, BrokenByAKillOfTheSlaveBeginsAnewAndNothingDeletedComesBack) {
  start(slow_kb_s);
  make_slave(1);
  ASSERT_TRUE(is_loading(1));
  cluster_->node_process(1).kill();
  set_bandwidth(quick_kb_s);
  EXPECT_EQ(TextClient{node(master)}.ask("delete " + key(0)), "DELETED");
  cluster_->start_node(1);
  ASSERT_TRUE(cluster_->becomes(1, "proxy", "active"));
  EXPECT_EQ(ask_stat(node(1), "stats", "curr_items"), "0");
  make_slave(1);
  EXPECT_TRUE(becomes_active_and_whole(1));
  EXPECT_TRUE(equals_master(1));
  const auto of_slave = contents(node(1));
  EXPECT_TRUE(std::none_of(of_slave.begin(), of_slave.end(),
                           [](const auto& line) { return line.starts_with("VALUE " + key(0) + " "); }));
}

TEST_F(Build, KeepsItsBandwidthAndTellsHowFarItIs) {
  constexpr double kb_s = 1024;
  start(slow_kb_s);
  make_slave(1);
  ASSERT_TRUE(is_loading(1));
  EXPECT_TRUE(eventually([&] { return !replication(node(1), "build_eta_s").empty(); }));
  EXPECT_TRUE(eventually([&] { return !replication(node(master), key_of(node(1)) + ":build_eta_s").empty(); }));
  EXPECT_TRUE(eventually([&] { return !ask_stat(node(1), "stats", "build_eta_s").empty(); }));
  const auto status = run({program("flare-status"), "127.0.0.1:12120"});
  EXPECT_NE(status.output.find("127.0.0.1:12122 is being built: "), std::string::npos) << status.output;
  EXPECT_NE(status.output.find(" s left"), std::string::npos) << status.output;

  set_bandwidth(static_cast<int>(kb_s));
  ASSERT_TRUE(is_loading(1, records / 4));
  const auto begin = SteadyClock::now();
  const auto first = number(replication(node(1), "build_records"));
  ASSERT_TRUE(is_loading(1, records * 3 / 4));
  const auto last = number(replication(node(1), "build_records"));
  const std::chrono::duration<double> passed = SteadyClock::now() - begin;
  const auto record_bytes = value_bytes + std::string{"RECORD 1 0 0 1000 k1234\r\n\r\n"}.size();
  const auto measured = static_cast<double>(last - first) * static_cast<double>(record_bytes) / 1024 / passed.count();
  std::printf("reconstruction-bwlimit %.0f KB/s: measured %.0f KB/s\n", kb_s, measured);
  EXPECT_LT(measured, 1.1 * kb_s);
  EXPECT_GT(measured, 0.2 * kb_s) << "also a loaded machine has that much time";
}

}  // namespace
}  // namespace flare::test
