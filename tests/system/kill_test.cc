// design.md 3.2 to 3.4: a loaded node is killed at random moments, and the clients' own account tells what it owes.
// FLARE_KILLS and FLARE_KILL_SEED make the long form: at least 50 kills, by hand; every ten begin with a data-dir of
// their own, since each kill compares all that is there. FLARE_START_RECORDS sizes the store whose start is measured.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/recorded_writer.h"
#include "support/temp_dir.h"
#include "unit/storage/replayed_log.h"

namespace flare::test {
namespace {

constexpr std::size_t node = 0;
constexpr int workers = 4;
constexpr int writers = 3 * workers;  // each worker has three of them, in turn
constexpr int kills_of_a_store = 10;
constexpr std::int64_t newest_answer_max_ns = 10'000'000;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::int64_t steady_ns() { return SteadyClock::now().time_since_epoch().count(); }

class Kill : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void start(std::uint64_t buckets, std::vector<std::string> lines = {}) {
    lines.push_back(fmt::format("threads = {}", workers));
    lines.push_back(fmt::format("storage-bucket-size = {}", buckets));
    cluster_.reset();  // before its folder
    folder_.emplace();
    cluster_.emplace(
        ClusterPlan{.folder = folder_->path(), .nodes = {{"127.0.0.1", 12121}}, .node_lines = std::move(lines)});
    cluster_->start();
    cluster_->make_master(node);
  }

  // Milliseconds from the start of the program to the first answer that needs its store.
  std::int64_t restart() {
    const auto begun = steady_ns();
    cluster_->spawn_node(node);
    const bool up = eventually(
        [&] {
          const auto client = try_connect(cluster_->node(node));
          return client && TextClient{cluster_->node(node)}.ask_all("get " + any_key).size() == 3;
        },
        Milliseconds{60'000});
    EXPECT_TRUE(up) << read_file(cluster_->log_of(cluster_->node(node)));
    return (steady_ns() - begun) / 1'000'000;
  }

  std::string any_key = RecordedWriter::shared_key;
  std::optional<TempDir> folder_;
  std::optional<Cluster> cluster_;
};

// The first key that is not the same in both.
std::string difference(const Contents& store, const Contents& log) {
  const auto [in_store, in_log] = std::mismatch(store.begin(), store.end(), log.begin(), log.end());
  const auto shown = [](const Contents& all, Contents::const_iterator found) {
    return found == all.end() ? std::string{"nothing"} : found->first + " = " + found->second.substr(0, 100);
  };
  return fmt::format("{} records in the store, {} by the log; first: {} in the store, {} by the log", store.size(),
                     log.size(), shown(store, in_store), shown(log, in_log));
}

class KillUnderLoad : public Kill {
 protected:
  // An empty store, and writers who have written nothing.
  void begin() {
    start(65536, {"log-max-size = 2G"});  // all of it is compared with the store
    TextClient client{cluster_->node(node)};
    ASSERT_EQ(client.ask(fmt::format("set {} 0 0 1\r\n0", RecordedWriter::shared_key)), "STORED");
    share_.raises_answered = share_.raises_sent = 0;
    writers_.clear();
    for (int number = 0; number < writers; ++number) writers_.emplace_back(number, random_(), share_);
  }

  // Writes on all connections, and the kill somewhere in the middle of that.
  void write_and_kill() {
    share_.killed = false;
    share_.ready = 0;
    std::vector<std::thread> threads;
    for (auto& writer : writers_) threads.emplace_back([&] { writer.run(cluster_->node(node)); });
    EXPECT_TRUE(eventually([&] { return share_.ready == writers; })) << "the writers do not begin";
    const auto moment = steady_ns() + static_cast<std::int64_t>(20'000'000 + random_() % 130'000'000);
    std::int64_t age_ns = 0;
    const bool under_way = eventually([&] {
      const auto now = steady_ns();
      age_ns = now - share_.newest_answer_ns;
      return now >= moment && age_ns < newest_answer_max_ns;
    });
    share_.killed = true;
    cluster_->node_process(node).kill();
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(under_way) << "the writers do not come on";
    oldest_answer_ns_ = std::max(oldest_answer_ns_, age_ns);
    for (const auto& writer : writers_) EXPECT_EQ(writer.failure(), "");
  }

  // The data-dir is opened as a start would, beside the original: the store must be what the whole log makes of
  // nothing.
  void compare_store_and_log(int kill) {
    KyotoFolder copy;
    copy.options.log_max_bytes = std::uint64_t{2} << 30;  // as the node's: the default would drop what is compared
    std::filesystem::copy(cluster_->data_of(cluster_->node(node)), copy.folder.path(),
                          std::filesystem::copy_options::recursive);
    const auto storage = copy.open();
    ASSERT_NE(storage, nullptr) << copy.failure;
    EXPECT_FALSE(storage->start().new_history) << copy.log.text();
    applied_ += storage->start().entries_applied;
    records_ = contents_of(*storage);
    const auto& records = records_;
    EXPECT_EQ(records.size(), storage->figures().items);
    const auto from_log = replayed(*storage);
    EXPECT_TRUE(records == from_log) << "kill " << kill << ": store and log differ: " << difference(records, from_log)
                                     << "; " << storage->figures().log_bytes << " bytes of log up to entry "
                                     << raw(storage->position().sequence);
  }

  void settle(int kill) {
    auto stored = dump_of(cluster_->node(node));
    for (const auto& [key, item] : stored) {
      EXPECT_TRUE(records_.contains(key))
          << "kill " << kill << ": " << key << ", version " << item.version << ", was not there in the same data-dir";
    }
    for (auto& writer : writers_) EXPECT_EQ(writer.settle(stored), "") << "kill " << kill;
    const auto raised = std::stoull(stored.at(RecordedWriter::shared_key).data);
    EXPECT_GE(raised, share_.raises_answered) << "kill " << kill;
    EXPECT_LE(raised, share_.raises_sent) << "kill " << kill;
    share_.raises_answered = share_.raises_sent = raised;
    EXPECT_EQ(ask_stat(cluster_->node(node), "stats", "curr_items"), std::to_string(stored.size()));
  }

  const std::uint64_t seed_ = number_from_environment("FLARE_KILL_SEED", std::random_device{}());
  std::mt19937_64 random_{seed_};
  WritersShare share_;
  std::deque<RecordedWriter> writers_;
  std::int64_t oldest_answer_ns_ = 0;
  std::uint64_t applied_ = 0;
  Contents records_;  // at the last kill
};

TEST_F(KillUnderLoad, LosesNothingAnsweredAndKeepsNothingHalf) {
  const int kills = static_cast<int>(number_from_environment("FLARE_KILLS", 6));
  std::cout << "FLARE_KILL_SEED=" << seed_ << " FLARE_KILLS=" << kills << std::endl;
  std::int64_t slowest_ms = 0;
  for (int kill = 1; kill <= kills && !HasFailure(); ++kill) {
    if (kill % kills_of_a_store == 1) {
      ASSERT_NO_FATAL_FAILURE(begin());
    }
    write_and_kill();
    compare_store_and_log(kill);
    slowest_ms = std::max(slowest_ms, restart());
    ASSERT_TRUE(cluster_->settles());
    settle(kill);
  }
  EXPECT_GT(applied_, 0U) << "no start had anything to do: the test shows nothing";
  std::cout << fmt::format(
      "{} kills, {} answers, newest answer at a kill at most {:.1f} ms old, {} log entries applied at starts, slowest "
      "start {} ms\n",
      kills, share_.answers.load(), static_cast<double>(oldest_answer_ns_) / 1e6, applied_, slowest_ms);
}

class StartTime : public Kill {
 protected:
  // `set`s without an answer, and one with it.
  void store(std::uint64_t records) {
    TextClient client{cluster_->node(node), Milliseconds{60'000}};
    const std::string data(100, 'd');
    constexpr std::uint64_t together = 1000;
    for (std::uint64_t number = 0; number < records;) {
      std::string requests;
      for (const auto end = std::min(records, number + together); number < end; ++number) {
        requests += fmt::format("set key-{} 0 0 100 noreply\r\n{}\r\n", number, data);
      }
      client.send(requests + "set last 0 0 1\r\nx\r\n");
      ASSERT_EQ(client.read_line(), "STORED");
    }
  }
  void expect_records(std::uint64_t records) {
    EXPECT_EQ(ask_stat(cluster_->node(node), "stats", "curr_items"), std::to_string(records + 1));
  }
};

TEST_F(StartTime, IsShortAfterAKillAndAfterAStop) {
  const auto records = number_from_environment("FLARE_START_RECORDS", 20'000);
  any_key = "last";
  start(2 * records);
  store(records);
  cluster_->node_process(node).kill();
  const auto after_kill_ms = restart();
  expect_records(records);
  ASSERT_TRUE(cluster_->node_process(node).stop(Milliseconds{60'000}));
  const auto after_stop_ms = restart();
  expect_records(records);
  std::cout << fmt::format("{} records: start after kill -9 {} ms, after a stop {} ms\n", records, after_kill_ms,
                           after_stop_ms);
  EXPECT_LT(after_kill_ms, 1000 + load_allowance().count());
  EXPECT_LT(after_stop_ms, 1000 + load_allowance().count());
}

}  // namespace
}  // namespace flare::test
