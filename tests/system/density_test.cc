// Many idle tenants on one machine: what a pair of flarei and flared costs, over fifty of them. Prints the figures;
// the bounds are generous, the figures to compare are in docs/benchmarks.md (tools/bench density).
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <thread>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr int pairs = 50;
constexpr std::chrono::seconds rest{5};

constexpr double private_kib_max = 16.0 * 1024;
constexpr double threads_max = 16;
constexpr double core_percent_max = 1.0;
constexpr double start_s_max = 5.0;

// The sum of the numbers behind these words, each at the beginning of a line.
double sum_of_lines(const std::filesystem::path& file, const std::vector<std::string>& words) {
  std::ifstream in{file};
  double sum = 0;
  for (std::string line; std::getline(in, line);) {
    for (const auto& word : words) {
      if (line.starts_with(word)) sum += std::stod(line.substr(word.size()));
    }
  }
  return sum;
}

std::filesystem::path proc(const Process& process) { return "/proc/" + std::to_string(process.pid()); }

double private_kib(const Process& process) {
  return sum_of_lines(proc(process) / "smaps_rollup", {"Private_Clean:", "Private_Dirty:"});
}

double threads(const Process& process) { return sum_of_lines(proc(process) / "status", {"Threads:"}); }

// Of all threads, to the nanosecond: in /proc/<pid>/stat an idle daemon has spent no tick in five seconds.
double processor_s(const Process& process) {
  double spent_ns = 0;
  for (const auto& task : std::filesystem::directory_iterator{proc(process) / "task"}) {
    std::ifstream in{task.path() / "schedstat"};
    double nanoseconds = 0;
    if (in >> nanoseconds) spent_ns += nanoseconds;
  }
  return spent_ns / 1e9;
}

/// Fifty tenants with the options of the README's session.
class Farm {
 public:
  void start() {
    for (int number = 0; number < pairs; ++number) {
      const auto tenant = "tenant-" + std::to_string(number);
      const auto port = static_cast<std::uint16_t>(12120 + 10 * number);
      tenants_.push_back(std::make_unique<Cluster>(ClusterPlan{
          .folder = folder_ / tenant,
          .tenant = tenant,
          .index = {"127.0.0.1", port},
          .nodes = {{"127.0.0.1", static_cast<std::uint16_t>(port + 1)}},
          .bind_addresses = true,
          .node_lines = {"storage-bucket-size = 16777216", "log-facility = local0"},
      }));
      tenants_.back()->start();
    }
  }

  void make_masters() {
    for (const auto& tenant : tenants_) tenant->make_master(0);
  }

  [[nodiscard]] double sum(double (*figure)(const Process&)) const {
    double sum = 0;
    for (const auto& tenant : tenants_) sum += figure(tenant->index_process()) + figure(tenant->node_process(0));
    return sum;
  }

  [[nodiscard]] bool all_serve() const {
    for (const auto& tenant : tenants_) {
      if (!serves(tenant->index()) || !serves(tenant->node(0))) return false;
    }
    return true;
  }

 private:
  TempDir folder_;
  std::vector<std::unique_ptr<Cluster>> tenants_;
};

TEST(Density, FiftyIdlePairsCostLittleEach) {
  enter_private_network();
  Farm farm;
  const auto begin = SteadyClock::now();
  farm.start();
  const std::chrono::duration<double> started = SteadyClock::now() - begin;
  farm.make_masters();

  const auto spent_before = farm.sum(processor_s);
  std::this_thread::sleep_for(rest);  // this wait is the measurement
  const auto core_percent =
      (farm.sum(processor_s) - spent_before) / pairs / std::chrono::duration<double>{rest}.count() * 100;
  const auto memory = farm.sum(private_kib) / pairs;
  const auto thread_count = farm.sum(threads) / pairs;
  const auto start_s = started.count() / pairs;
  std::printf("%d pairs, each: start %.3f s, private memory %.0f KiB, %.1f threads, %.4f %% of a core at rest\n", pairs,
              start_s, memory, thread_count, core_percent);

  EXPECT_LT(start_s, start_s_max);
  EXPECT_LT(memory, private_kib_max);
  EXPECT_LT(thread_count, threads_max);
  EXPECT_LT(core_percent, core_percent_max);
  EXPECT_TRUE(farm.all_serve());
}

// Idle sessions are looked at when the first of them may be due, not each second: they must still be closed in time.
TEST(Density, IdleClientsAreStillClosedWhenTheirTimeIsOver) {
  enter_private_network();
  const TempDir folder;
  Cluster cluster{{.folder = folder.path(),
                   .index = {"127.0.0.1", 12120},
                   .nodes = {{"127.0.0.1", 12121}},
                   .index_lines = {"net-read-timeout = 2"},
                   .node_lines = {"net-read-timeout = 2"}}};
  cluster.start();
  for (const auto& address : {cluster.index(), cluster.node(0)}) {
    TextClient client{address};
    const auto begin = SteadyClock::now();  // it is idle from some moment after this on
    ASSERT_EQ(client.ask("ping"), "OK");
    EXPECT_TRUE(client.closed_by_peer()) << key_of(address);
    EXPECT_GE(SteadyClock::now() - begin, Milliseconds{900}) << key_of(address);  // whole seconds are counted
  }
}

}  // namespace
}  // namespace flare::test
