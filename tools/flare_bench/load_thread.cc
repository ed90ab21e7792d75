#include "flare_bench/load_thread.h"

#include <algorithm>
#include <cmath>

#include "flare_bench/connector.h"
#include "flare_bench/failure.h"

namespace flare::bench {
namespace {

constexpr std::size_t fill_batch_bytes = 128 * 1024;
constexpr std::size_t fill_pipeline_max = 32;

Clock::duration clock_time(Seconds seconds) { return std::chrono::round<Clock::duration>(seconds); }

// Where the generations of a run begin: what an earlier run has left is not taken for this one's.
Generation generation_before(std::uint64_t seed) {
  return Generation{static_cast<std::uint32_t>((seed * 0x9E3779B97F4A7C15U) >> 34) + 1};
}

std::uint32_t fill_pipeline(std::size_t value_bytes) {
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(fill_batch_bytes / value_bytes, 1, fill_pipeline_max));
}

}  // namespace

LoadThread::LoadThread(const Settings& settings, std::uint32_t number, const KeyNames& names, const ValueBook& values,
                       const Wire& wire)
    : settings_{settings},
      number_{number},
      share_{share_of(settings.shape.keys, number, settings.threads)},
      ledger_{share_.count, generation_before(settings.seed)},
      writer_{wire, values, share_, ledger_},
      checker_{names, values, share_, ledger_},
      load_{wire, checker_, clock_time(settings.answer_limit)},
      still_{wire, checker_, clock_time(settings.answer_limit)},
      still_wanted_{part_of(settings.idle)} {}

std::uint64_t LoadThread::part_of(std::uint64_t whole) const {
  return whole / settings_.threads + (number_ < whole % settings_.threads ? 1U : 0U);
}

void LoadThread::connect() {
  const auto working = part_of(settings_.connections);
  std::shared_ptr<const TlsContext> tls;
  if (settings_.tls) {
    auto loaded = TlsContext::load({"", "", settings_.tls_ca}, TlsContext::Use::any_server);
    if (!loaded) throw Failure{"--tls-ca: " + loaded.error()};
    tls = std::move(*loaded);
  }
  auto made = connect_all(settings_.nodes, working + still_wanted_, settings_.connect_limit, tls.get());
  for (std::size_t place = 0; place < made.size(); ++place) {
    (place < working ? load_ : still_).adopt(std::move(made[place]));
  }
}

void LoadThread::greet() {
  greet(load_);
  greet(still_);
}

// What the first key holds does not matter here: a store may have values of another size from before.
void LoadThread::greet(Load& load) {
  const auto connections = load.connections();
  Greeting greeting{connections, writer_};
  ClosedLoop pace{Clock::now() + clock_time(settings_.connect_limit), no_request_bound};
  Tally tally;
  load.run(pace, greeting, 1, tally, progress_);
  if (tally.errors > 0 || tally.gets < connections) {
    throw Failure{"of " + std::to_string(connections) + " connections " + std::to_string(tally.gets) +
                  " were served: " + tally.first_fault};
  }
}

void LoadThread::fill() {
  Fill fill{share_.count, writer_};
  ClosedLoop pace{Clock::now() + clock_time(settings_.fill_limit), no_request_bound};
  Tally tally;
  load_.run(pace, fill, fill_pipeline(settings_.shape.value_bytes), tally, progress_);
  if (tally.faults() > 0) throw Failure{"fill: " + tally.first_fault};
  if (!fill.ended()) throw Failure{"fill: not all keys were written in time (--fill-limit)"};
}

void LoadThread::measure(TimePoint start) {
  const auto at_a_time = part_of(settings_.connections) * settings_.shape.pipeline;
  Workload workload{settings_.shape, share_.count, at_a_time, settings_.seed + number_, ledger_, writer_};
  load_.run(*make_pace(start), workload, settings_.shape.pipeline, tally_, progress_);
}

std::unique_ptr<Pace> LoadThread::make_pace(TimePoint start) const {
  const auto bound = settings_.operations > 0 ? part_of(settings_.operations) : no_request_bound;
  if (settings_.per_second == 0) return std::make_unique<ClosedLoop>(start + clock_time(settings_.length), bound);
  const auto due = static_cast<std::uint64_t>(settings_.per_second * settings_.length.count());
  const auto own_start = start + clock_time(Seconds{number_ / settings_.per_second});  // threads take turns
  return std::make_unique<OpenLoop>(own_start, settings_.per_second / settings_.threads, std::min(bound, part_of(due)),
                                    clock_time(settings_.answer_limit));
}

}  // namespace flare::bench
