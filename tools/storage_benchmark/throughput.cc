#include <benchmark/benchmark.h>

#include <random>

#include "storage_benchmark/stores.h"

/// Time of an operation, in batches of 16 as a worker's turn has them.
namespace flare::benchmark {
namespace {

constexpr int batch = 16;

template <class Store>
Store& filled() {
  static Store store;
  return store;
}

// `sets_percent` of the operations are sets, the others gets, of random keys.
template <class Store>
void run_batches(::benchmark::State& state) {
  auto& store = filled<Store>();
  const auto sets_percent = static_cast<std::uint64_t>(state.range(0));
  std::mt19937_64 random{static_cast<std::uint64_t>(state.thread_index()) + 1};
  for (auto _ : state) {
    bool done = true;
    store.begin();
    for (int number = 0; number < batch; ++number) {
      const auto drawn = random();
      const Key key{drawn / 128 % record_count()};
      done = (drawn % 100 < sets_percent ? store.set(key.text()) : store.get(key.text())) && done;
    }
    store.end();
    if (!done) state.SkipWithError("an operation failed");
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

void shapes(::benchmark::internal::Benchmark* each) {
  each->ArgName("sets%")->Arg(0)->Arg(100)->Arg(10)->ThreadRange(1, 2)->UseRealTime()->MinTime(1.0);
}

BENCHMARK_TEMPLATE(run_batches, BareStore)->Apply(shapes);
BENCHMARK_TEMPLATE(run_batches, LoggedStore)->Apply(shapes);

}  // namespace
}  // namespace flare::benchmark
