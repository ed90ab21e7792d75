// design.md 3.11: a node under load whose store has few buckets gets more, and no request fails or waits long.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::size_t node = 0;
constexpr int writers = 3;
constexpr int keys = 8000;  // of each writer: all together more than four for each bucket
constexpr Milliseconds rewrite_limit{120'000};
constexpr Milliseconds wait_max{2000};

class StoreRewrite : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  StoreRewrite() {
    cluster_.start();
    cluster_.make_master(node);
  }

  std::string stat(const std::string& name) {
    TextClient client{cluster_.node(node)};
    for (const auto& line : client.ask_all("stats")) {
      if (line.starts_with("STAT " + name + " ")) return line.substr(name.size() + 6);
    }
    return {};
  }

  struct Writer {
    int rounds = 0;  // key n has the value of round `rounds`, or of the one before from `next` on
    int next = 0;
    std::string failure{};
    std::chrono::steady_clock::duration longest{};
  };

  static std::string key(int writer, int number) { return std::to_string(writer) + "-" + std::to_string(number); }
  static std::string value(int round, int number) { return std::to_string(round) + ":" + std::to_string(number); }

  void write(int number, Writer& writer, const std::atomic<bool>& done) {
    TextClient client{cluster_.node(node)};
    while (!done && writer.failure.empty()) {
      const auto text = value(writer.rounds, writer.next);
      const auto begun = std::chrono::steady_clock::now();
      const auto answer =
          client.ask("set " + key(number, writer.next) + " 0 0 " + std::to_string(text.size()) + "\r\n" + text);
      writer.longest = std::max(writer.longest, std::chrono::steady_clock::now() - begun);
      if (answer != "STORED") writer.failure = answer;
      if (++writer.next < keys) continue;
      writer.next = 0;
      ++writer.rounds;
    }
  }

  void expect_all_there(const std::vector<Writer>& all) {
    TextClient client{cluster_.node(node)};
    for (int number = 0; number < writers; ++number) {
      const auto& writer = all[number];
      for (int at = 0; at < keys; ++at) {
        const int round = at < writer.next ? writer.rounds : writer.rounds - 1;
        if (round < 0) continue;  // not written yet
        const auto answer = client.ask_all("get " + key(number, at));
        ASSERT_EQ(answer.size(), 3U) << key(number, at) << " is lost";
        ASSERT_EQ(answer[1], value(round, at)) << key(number, at);
      }
    }
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(),
                    .nodes = {{"127.0.0.1", 12121}},
                    .node_lines = {"storage-bucket-size = 2000", "threads = 2"}}};
};

TEST_F(StoreRewrite, FailsNoRequestAndLosesNoKey) {
  std::atomic<bool> done{false};
  std::vector<Writer> all(writers);
  std::vector<std::thread> threads;
  for (int number = 0; number < writers; ++number) {
    threads.emplace_back([&, number] { write(number, all[number], done); });
  }
  const bool rewritten = eventually([&] { return stat("store_rewrites") == "1"; }, rewrite_limit);
  done = true;
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(rewritten) << stat("curr_items") << " records";
  EXPECT_EQ(stat("store_rewrite_progress"), "0");
  for (const auto& writer : all) {
    EXPECT_EQ(writer.failure, "");
    EXPECT_LT(writer.longest, wait_max + load_allowance());
    std::printf("longest wait for an answer: %.1f ms\n",
                std::chrono::duration<double, std::milli>(writer.longest).count());
  }
  expect_all_there(all);
  const auto log = read_file(cluster_.log_of(cluster_.node(node)));
  EXPECT_NE(log.find("flare.kch: rewritten since it has few buckets"), std::string::npos) << log;

  cluster_.node_process(node).kill();
  cluster_.start_node(node);
  ASSERT_TRUE(cluster_.becomes(node, "master", "active"));
  ASSERT_TRUE(eventually([&] { return TextClient{cluster_.node(node)}.ask_all("get " + key(0, 0)).size() == 3; }));
  expect_all_there(all);
  EXPECT_EQ(stat("store_rewrites"), "0") << "it has enough of them";
}

}  // namespace
}  // namespace flare::test
