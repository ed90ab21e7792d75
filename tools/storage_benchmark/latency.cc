#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "storage_benchmark/stores.h"

/// How long single operations of two workers wait for checkpoints and for a snapshot (docs/design.md 2: the gate).
namespace flare::benchmark {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr CheckpointPace never{.volume_max = ~std::uint64_t{0}, .dirty_max = std::chrono::hours{24}};
constexpr std::size_t samples_max = 4'000'000;

enum class Beside { nothing, checkpoints, snapshots };

struct Samples {
  std::vector<double> us = {};

  void add(SteadyClock::time_point begun) {
    const std::chrono::duration<double, std::micro> taken = SteadyClock::now() - begun;
    if (us.size() < samples_max) us.push_back(taken.count());
  }
  void report(::benchmark::State& state, const std::string& name) {
    if (us.empty()) return;
    std::sort(us.begin(), us.end());
    const auto at = [&](double share) {
      return us[static_cast<std::size_t>(share * static_cast<double>(us.size() - 1))];
    };
    const auto count = [&](double value) { return ::benchmark::Counter(value, ::benchmark::Counter::kAvgThreads); };
    state.counters[name + "_p50"] = count(at(0.5));
    state.counters[name + "_p99.9"] = count(at(0.999));
    state.counters[name + "_max"] = count(us.back());
  }
};

// Takes one picture of the store after the other.
class Snapshots {
 public:
  explicit Snapshots(Storage& storage) : thread_{[this, &storage] { run(storage); }} {}
  ~Snapshots() {
    stop_ = true;
    thread_.join();
  }
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;

 private:
  class Ignored final : public RecordSink {
    void record(std::string_view, const RecordView&) override {}
  };
  void run(Storage& storage) {
    Ignored sink;
    while (!stop_) {
      const auto scan = storage.begin_scan();
      if (!scan) return;
      for (auto more = (*scan)->next_slice(sink); more && *more && !stop_;) more = (*scan)->next_slice(sink);
    }
  }
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

LoggedStore& filled(Beside beside) {
  static LoggedStore with_checkpoints;
  static LoggedStore without{never};
  return beside == Beside::nothing ? without : with_checkpoints;
}

void single_operations(::benchmark::State& state, Beside beside, std::uint64_t sets_percent) {
  auto& store = filled(beside);
  std::unique_ptr<Snapshots> snapshots;
  if (beside == Beside::snapshots && state.thread_index() == 0)
    snapshots = std::make_unique<Snapshots>(store.storage());
  std::mt19937_64 random{static_cast<std::uint64_t>(state.thread_index()) + 1};
  Samples gets;
  Samples sets;
  gets.us.reserve(samples_max);
  for (auto _ : state) {
    const auto drawn = random();
    const Key key{drawn / 128 % record_count()};
    const bool is_set = drawn % 100 < sets_percent;
    const auto begun = SteadyClock::now();
    store.begin();
    const bool done = is_set ? store.set(key.text()) : store.get(key.text());
    store.end();
    (is_set ? sets : gets).add(begun);
    if (!done) state.SkipWithError("an operation failed");
  }
  gets.report(state, "get");
  sets.report(state, "set");
}

void shape(::benchmark::internal::Benchmark* each) { each->Threads(2)->UseRealTime()->Iterations(500'000); }

BENCHMARK_CAPTURE(single_operations, gets, Beside::nothing, 0)->Apply(shape);
BENCHMARK_CAPTURE(single_operations, gets_beside_snapshots, Beside::snapshots, 0)->Apply(shape);
BENCHMARK_CAPTURE(single_operations, mixed_without_checkpoints, Beside::nothing, 50)->Apply(shape);
BENCHMARK_CAPTURE(single_operations, mixed_with_checkpoints, Beside::checkpoints, 50)->Apply(shape);
BENCHMARK_CAPTURE(single_operations, mixed_beside_snapshots, Beside::snapshots, 50)->Apply(shape);

}  // namespace
}  // namespace flare::benchmark
