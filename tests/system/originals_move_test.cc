// The rolling move of docs/operations.md: a cluster of originals becomes one of ours and one of originals again, while
// clients write through whatever node there is.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>

#include "support/originals_cluster.h"

namespace flare::test {
namespace {

constexpr std::chrono::microseconds pace{500};  // a load that an original slave keeps up with

/// Writes w0, w1, ... each until some node has acknowledged it.
class PatientWriter {
 public:
  explicit PatientWriter(std::vector<Address> nodes) : nodes_{std::move(nodes)}, thread_{[this] { run(); }} {}
  ~PatientWriter() { std::ignore = stop(); }
  PatientWriter(const PatientWriter&) = delete;
  PatientWriter& operator=(const PatientWriter&) = delete;

  int stop() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
    return acknowledged_;
  }
  [[nodiscard]] int acknowledged() const { return acknowledged_; }
  [[nodiscard]] Milliseconds longest_gap() const { return longest_; }

 private:
  void run() {
    auto last = SteadyClock::now();
    for (std::size_t node = 0; !ended_;) {
      if (try_at(nodes_[node % nodes_.size()])) {
        const auto now = SteadyClock::now();
        longest_ = std::max(longest_, std::chrono::duration_cast<Milliseconds>(now - last));
        last = now;
        ++acknowledged_;
        std::this_thread::sleep_for(pace);
      } else {
        ++node;
        std::this_thread::sleep_for(poll_pause);
      }
    }
  }

  bool try_at(const Address& node) {
    try {
      auto& client = clients_.try_emplace(key_of(node), node, Milliseconds{2'000}).first->second;
      const auto value = std::to_string(acknowledged_.load());
      client.send(fmt::format("set w{} 0 0 {}\r\n{}\r\n", value, value.size(), value));
      return client.read_line() == "STORED";
    } catch (const std::runtime_error&) {
      clients_.erase(key_of(node));
      return false;
    }
  }

  std::vector<Address> nodes_;
  std::map<std::string, TextClient> clients_;
  std::atomic<bool> ended_ = false;
  std::atomic<int> acknowledged_ = 0;
  Milliseconds longest_{0};
  std::thread thread_;
};

class Move : public OriginalsCluster {
 protected:
  void keep_writing(int more = 50) {
    const auto from = writer_->acknowledged();
    ASSERT_TRUE(eventually([&] { return writer_->acknowledged() >= from + more; })) << "writes have stopped";
  }

  // The operator's switch-over: the slave with the largest balance takes the master's place.
  void switch_over(const Address& from, const Address& to) {
    ASSERT_EQ(cluster_.ask_index(fmt::format("node state {} {} down", from.name, from.port)), "OK");
    ASSERT_TRUE(is(to, "master", "active"));
    ASSERT_TRUE(is(from, "proxy", "active"));
    keep_writing();
  }

  [[nodiscard]] bool is_level(const OriginalFlared& slave) const {
    const auto lag = ask_stat(ours(0), "stats replication", slave.key() + ":lag");
    return !lag.empty() && std::stoull(lag) < 100;
  }

  void remove(const Address& node) {
    ASSERT_TRUE(is(node, "proxy", "down"));
    ASSERT_EQ(cluster_.ask_index(fmt::format("node remove {} {}", node.name, node.port)), "OK");
  }

  void replace_originals_by_ours() {
    cluster_.start_node(0);
    cluster_.start_node(1);
    make_slave(ours(0), 3);
    make_slave(ours(1), 1);
    keep_writing();
    role(original(1).address(), "proxy 0 -1");
    original(1).stop();
    remove(original(1).address());
    switch_over(original(0).address(), ours(0));
    EXPECT_TRUE(eventually([this] { return original(0).queued() == 0; })) << "its queue would be lost with it";
    original(0).stop();
    remove(original(0).address());
    original_index_.stop();
    cluster_.start_index();
    keep_writing();
  }

  void replace_ours_by_originals() {
    cluster_.index_process().stop();
    start_original_index();
    keep_writing();
    original(0).start();
    original(1).start();
    make_slave(original(0).address(), 5);
    make_slave(original(1).address(), 1);
    keep_writing();
    EXPECT_TRUE(eventually([this] { return is_level(original(0)); })) << "docs/operations.md: before a switch-over";
    role(ours(1), "proxy 0 -1");
    cluster_.node_process(1).stop();
    remove(ours(1));
    switch_over(ours(0), original(0).address());
    cluster_.node_process(0).stop();
    remove(ours(0));
    keep_writing();
  }

  void all_are_at(const Address& node, int count) {
    TextClient client{node};
    for (int i = 0; i < count; ++i) {
      const auto lines = client.ask_all("get w" + std::to_string(i));
      ASSERT_EQ(lines.size(), 3U) << "w" << i << " of " << count << " is lost at " << key_of(node);
      ASSERT_EQ(lines[1], std::to_string(i));
    }
  }

  std::unique_ptr<PatientWriter> writer_;
};

TEST_F(Move, OfAWholeClusterToOursAndBackLosesNoAcknowledgedWrite) {
  shows("rolling move of a cluster, and back, under writes", "originals to ours, ours to originals");
  start_original_index();
  original(0).start();
  original(1).start();
  make_master(original(0).address());
  make_slave(original(1).address());
  writer_ =
      std::make_unique<PatientWriter>(std::vector{original(0).address(), original(1).address(), ours(0), ours(1)});
  keep_writing();

  replace_originals_by_ours();
  ASSERT_FALSE(HasFatalFailure());
  all_are_at(ours(0), writer_->acknowledged());
  EXPECT_TRUE(eventually([this] { return ask_stat(ours(1), "stats replication", "follow_state") == "in_sync"; }));
  EXPECT_EQ(ask_stat(ours(1), "stats replication", "follow_class"), "flare");

  replace_ours_by_originals();
  ASSERT_FALSE(HasFatalFailure());
  const auto written = writer_->stop();
  std::cout << written << " acknowledged writes, the longest gap " << writer_->longest_gap().count() << " ms\n";
  all_are_at(original(0).address(), written);
  EXPECT_TRUE(eventually([this] { return original(0).records() == original(1).records(); }));
}

}  // namespace
}  // namespace flare::test
