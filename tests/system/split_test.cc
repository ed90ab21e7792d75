// docs/replication.md 7: partitions are split under load, 1 -> 2 -> 4, with slaves.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <map>
#include <set>
#include <thread>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr Milliseconds failing_max{1'000};
constexpr std::size_t keys_of_a_writer = 400;
constexpr std::size_t masters = 4;  // nodes 0 to 3; their slaves are 4 to 7
constexpr std::size_t proxy = 8;

double milliseconds(SteadyClock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// Writes, overwrites and deletes its own keys through one node, and knows what each must be.
class Writer {
 public:
  Writer(const Address& address, int number)
      : name_("w" + std::to_string(number) + "-"), thread_{[this, address] { write(address); }} {}
  ~Writer() { stop(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void stop() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int done() const { return done_; }
  // When stopped:
  const std::map<std::string, std::string>& content() const { return content_; }
  const std::set<std::string>& keys() const { return keys_; }
  const std::vector<std::string>& failures() const { return failures_; }
  SteadyClock::duration longest() const { return longest_; }

 private:
  void write(const Address& address) {
    try {
      TextClient client{address};
      auto last_success = SteadyClock::now();
      for (std::size_t number = 0; !ended_; ++number) {
        const auto key = name_ + std::to_string(number * 7 % keys_of_a_writer);
        keys_.insert(key);
        const auto before = SteadyClock::now();
        const bool deletes = number % 5 == 4;
        const auto value = std::to_string(number);
        client.send(deletes ? "delete " + key + "\r\n"
                            : "set " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
        const auto answer = client.read_line();
        const auto now = SteadyClock::now();
        if (answer != "STORED" && answer != "DELETED" && answer != "NOT_FOUND") {
          failures_.push_back(key + ": " + answer);
          continue;
        }
        longest_ = std::max(longest_, now - std::min(before, last_success));
        last_success = now;
        ++done_;
        check_and_note(client, key, deletes ? std::string{} : value, number);
        last_success = SteadyClock::now();
      }
    } catch (const std::runtime_error& error) {
      failures_.emplace_back(error.what());
    }
  }

  // What a connection has written it sees.
  void check_and_note(TextClient& client, const std::string& key, const std::string& value, std::size_t number) {
    value.empty() ? static_cast<void>(content_.erase(key)) : static_cast<void>(content_[key] = value);
    if (number % 3 != 0) return;
    const auto lines = client.ask_all("get " + key);
    const auto seen = lines.size() == 3 ? lines[1] : std::string{};
    if (seen != value) failures_.push_back(key + ": wrote '" + value + "', sees '" + seen + "'");
  }

  std::string name_;
  std::atomic<bool> ended_ = false;
  std::atomic<int> done_ = 0;
  std::map<std::string, std::string> content_;
  std::set<std::string> keys_;
  std::vector<std::string> failures_;
  SteadyClock::duration longest_{};
  std::thread thread_;
};

class Split : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  static std::vector<Address> nodes() {
    std::vector<Address> all;
    for (std::uint16_t port = 12121; port <= 12129; ++port) all.push_back({"127.0.0.1", port});
    return all;
  }
  std::string words(std::size_t node) const {
    return cluster_.node(node).name + " " + std::to_string(cluster_.node(node).port);
  }
  std::uint64_t items(std::size_t node) const {
    const auto text = ask_stat(cluster_.node(node), "stats", "curr_items");
    return text.empty() ? 0 : std::stoull(text);
  }

  // As an operator does it; the slave is added while the new partition is ready.
  void add_partition(std::size_t number) {
    ASSERT_EQ(cluster_.ask_index("node role " + words(number) + " master 1 " + std::to_string(number)), "OK");
    ASSERT_TRUE(cluster_.becomes(number, "master", "ready")) << number;
    cluster_.make_slave(number + masters, 1, static_cast<int>(number));
    ASSERT_EQ(cluster_.ask_index("node state " + words(number) + " active"), "OK");
    ASSERT_TRUE(cluster_.settles());
  }

  // All keys as this node answers, in lines of 50 keys.
  std::map<std::string, std::string> read_through(std::size_t node, const std::set<std::string>& keys) const {
    std::map<std::string, std::string> found;
    TextClient client{cluster_.node(node)};
    for (auto key = keys.begin(); key != keys.end();) {
      std::string line = "get";
      for (int count = 0; count < 50 && key != keys.end(); ++count) line += " " + *key++;
      const auto lines = client.ask_all(line);
      for (std::size_t at = 0; at + 1 < lines.size(); at += 2) {
        const auto name = lines[at].substr(6, lines[at].find(' ', 6) - 6);
        found[name] = lines[at + 1];
      }
    }
    return found;
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(), .nodes = nodes(), .node_lines = {"threads = 2"}}};
};

TEST_F(Split, UnderLoadLosesNothingAndLeavesNothing) {
  cluster_.start();
  cluster_.make_master(0);
  cluster_.make_slave(masters, 1, 0);
  std::vector<std::unique_ptr<Writer>> writers;
  int number = 0;
  for (const std::size_t node : {proxy, proxy, std::size_t{0}, masters}) {
    writers.push_back(std::make_unique<Writer>(cluster_.node(node), number++));
  }
  for (const auto& writer : writers) ASSERT_TRUE(eventually([&] { return writer->done() > 500; }));
  for (std::size_t partition = 1; partition < masters; ++partition) {
    ASSERT_NO_FATAL_FAILURE(add_partition(partition));
    for (const auto& writer : writers) {
      const int before = writer->done();
      ASSERT_TRUE(eventually([&] { return writer->done() > before + 200; }));
    }
  }

  std::map<std::string, std::string> expected;
  std::set<std::string> keys;
  for (const auto& writer : writers) {
    writer->stop();
    std::cout << writer->done() << " writes, the longest without one " << milliseconds(writer->longest()) << " ms, "
              << writer->failures().size() << " failed\n";
    EXPECT_LT(writer->longest(), failing_max + load_allowance());
    EXPECT_TRUE(writer->failures().empty()) << writer->failures().front();
    expected.insert(writer->content().begin(), writer->content().end());
    keys.insert(writer->keys().begin(), writer->keys().end());
  }
  for (std::size_t node = 0; node <= proxy; ++node) {
    EXPECT_TRUE(eventually([&] { return read_through(node, keys) == expected; })) << "through node " << node;
  }

  const auto add_up = [&] {
    std::uint64_t sum = 0;
    for (std::size_t node = 0; node < masters; ++node) {
      if (items(node) != items(node + masters)) return false;
      sum += items(node);
    }
    return sum == expected.size();
  };
  EXPECT_TRUE(eventually(add_up, Milliseconds{30'000}))
      << "moved keys are dropped, at the slaves too (cluster.md 9.14)";
  for (std::size_t node = 0; node < 2 * masters; ++node)
    std::cout << items(node) << (node + 1 < 2 * masters ? " " : "\n");
  EXPECT_EQ(read_through(proxy, keys), expected);
}

TEST_F(Split, GoesOnFromTheNextMasterWhenASourceIsKilled) {
  cluster_.start();
  cluster_.make_master(0);
  cluster_.make_slave(masters, 1, 0);
  Writer before{cluster_.node(0), 0};
  ASSERT_TRUE(eventually([&] { return before.done() > 1000; }));
  before.stop();
  ASSERT_EQ(cluster_.ask_index("node role " + words(1) + " master 1 1"), "OK");
  ASSERT_TRUE(cluster_.becomes(1, "master", "ready"));
  ASSERT_TRUE(eventually([&] {
    return ask_stat(cluster_.node(masters), "stats replication", "sequence") ==
           ask_stat(cluster_.node(0), "stats replication", "sequence");
  }));
  cluster_.node_process(0).kill();
  ASSERT_TRUE(cluster_.becomes(masters, "master", "active"));
  Writer after{cluster_.node(proxy), 1};
  ASSERT_TRUE(eventually([&] { return after.done() > 500; }));
  ASSERT_EQ(cluster_.ask_index("node state " + words(1) + " active"), "OK");
  const int activated = after.done();
  ASSERT_TRUE(eventually([&] { return after.done() > activated + 200; }));
  after.stop();
  EXPECT_TRUE(after.failures().empty()) << after.failures().front();
  auto expected = before.content();
  expected.insert(after.content().begin(), after.content().end());
  auto keys = before.keys();
  keys.insert(after.keys().begin(), after.keys().end());
  EXPECT_TRUE(eventually([&] { return read_through(proxy, keys) == expected; }));
}

}  // namespace
}  // namespace flare::test
