#include <benchmark/benchmark.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "storage_benchmark/stores.h"

/// How long a checkpoint and a snapshot take while all workers read (docs/design.md 2: the store's gate).
namespace flare::benchmark {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int batch = 16;
constexpr std::uint64_t sets_max = 4096;  // between two checkpoints

// Workers that do nothing but read, turn after turn.
class Readers {
 public:
  Readers(LoggedStore& store, std::int64_t count) {
    for (std::int64_t number = 0; number < count; ++number) {
      threads_.emplace_back([this, &store, number] { run(store, static_cast<std::uint64_t>(number)); });
    }
  }
  ~Readers() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
  }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

 private:
  void run(LoggedStore& store, std::uint64_t seed) {
    std::mt19937_64 random{seed + 1};
    while (!stop_) {
      store.begin();
      for (int number = 0; number < batch; ++number) store.get(Key{random() % record_count()}.text());
      store.end();
    }
  }
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

class Counting final : public RecordSink {
 public:
  std::uint64_t records = 0;

 private:
  void record(std::string_view, const RecordView&) override { ++records; }
};

LoggedStore& filled() {
  static LoggedStore store;
  return store;
}

// From the write that makes it due until it is done.
std::chrono::duration<double> timed_checkpoint(LoggedStore& store, std::mt19937_64& random) {
  const auto before = store.storage().figures().checkpoints;
  auto begun = SteadyClock::now();
  for (std::uint64_t sets = 0; sets < sets_max && store.storage().figures().checkpoints == before; ++sets) {
    begun = SteadyClock::now();
    store.begin();
    store.set(Key{random() % record_count()}.text());
    store.end();
  }
  while (store.storage().figures().checkpoints == before) std::this_thread::yield();
  return SteadyClock::now() - begun;
}

void checkpoint_beside_readers(::benchmark::State& state) {
  auto& store = filled();
  const Readers readers{store, state.range(0)};
  std::mt19937_64 random{7};
  double max_s = 0;
  for (auto _ : state) {
    const double taken_s = timed_checkpoint(store, random).count();
    max_s = std::max(max_s, taken_s);
    state.SetIterationTime(taken_s);
  }
  state.counters["max_ms"] = max_s * 1e3;
}

void snapshot_beside_readers(::benchmark::State& state) {
  auto& store = filled();
  const Readers readers{store, state.range(0)};
  for (auto _ : state) {
    Counting sink;
    const auto begun = SteadyClock::now();
    const auto scan = store.storage().begin_scan();
    if (!scan) return state.SkipWithError("no snapshot");
    for (auto more = (*scan)->next_slice(sink); more && *more;) more = (*scan)->next_slice(sink);
    state.SetIterationTime(std::chrono::duration<double>(SteadyClock::now() - begun).count());
    if (sink.records != record_count()) state.SkipWithError("records are missing");
  }
}

void readers(::benchmark::internal::Benchmark* each) {
  each->ArgName("readers")->Arg(0)->Arg(2)->Arg(4)->UseManualTime()->Unit(::benchmark::kMillisecond);
}

BENCHMARK(checkpoint_beside_readers)->Apply(readers)->Iterations(50);
BENCHMARK(snapshot_beside_readers)->Apply(readers)->Iterations(5);

}  // namespace
}  // namespace flare::benchmark
