#include "flare_bench/phases.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <future>

#include "flare_bench/end_early.h"
#include "flare_bench/file_limit.h"
#include "flare_bench/load_thread.h"
#include "flare_bench/processor_time.h"
#include "flare_bench/progress_line.h"

namespace flare::bench {
namespace {

constexpr std::chrono::milliseconds look_around{50};

/// The threads of a run; each step is done by all of them at once.
class Crew {
 public:
  Crew(const Settings& settings, const KeyNames& names, const ValueBook& values, const Wire& wire) {
    for (std::uint32_t number = 0; number < settings.threads; ++number) {
      threads_.push_back(std::make_unique<LoadThread>(settings, number, names, values, wire));
    }
  }

  // How long it took until the last was done. Rethrows what a thread has thrown.
  template <class Step>
  Seconds all(const char* phase, const Step& step, const EndEarly* early = nullptr) {
    const auto begin = Clock::now();
    line_.begin(phase);
    std::vector<std::future<void>> running;
    for (const auto& thread : threads_) {
      running.push_back(std::async(std::launch::async, [&step, &thread] {
        ::prctl(PR_SET_TIMERSLACK, 1UL);  // else a due request may wait 50 microseconds for its timer
        step(*thread);
      }));
    }
    for (auto& each : running) {
      while (each.wait_for(look_around) != std::future_status::ready) {
        line_.show();
        if (early != nullptr && early->wanted()) stop();
      }
    }
    line_.end();
    for (auto& each : running) each.get();
    return Clock::now() - begin;
  }

  [[nodiscard]] const std::vector<std::unique_ptr<LoadThread>>& threads() const { return threads_; }

 private:
  void stop() {
    for (const auto& thread : threads_) thread->stop();
  }

  std::vector<std::unique_ptr<LoadThread>> threads_{};
  ProgressLine line_{threads_};
};

void measure(Crew& crew, const Settings& settings, Result& result) {
  const auto servers_before = processor_times(settings.pids);
  const auto own_before = processor_time(::getpid());
  const EndEarly early;
  const auto start = Clock::now();
  result.run = crew.all(
      "run", [start](LoadThread& thread) { thread.measure(start); }, &early);
  result.own = processor_time(::getpid()) - own_before;
  result.servers = processor_times(settings.pids);
  for (std::size_t place = 0; place < servers_before.size(); ++place) result.servers[place] -= servers_before[place];
}

}  // namespace

Result run_phases(const Settings& settings) {
  make_room_for(std::uint64_t{settings.connections} + settings.idle);
  const KeyNames names{settings.shape.key_prefix, settings.shape.key_bytes};
  const ValueBook values{settings.shape.value_bytes};
  const auto wire = make_wire(settings.shape.protocol, names);
  Crew crew{settings, names, values, *wire};
  Result result;
  result.connect = crew.all("connect", [](LoadThread& thread) { thread.connect(); });
  result.greet = crew.all("greet", [](LoadThread& thread) { thread.greet(); });
  for (const auto& thread : crew.threads()) result.connections += thread->connections();
  if (settings.fill) result.fill = crew.all("fill", [](LoadThread& thread) { thread.fill(); });
  if (settings.shape.kind != Kind::fill) measure(crew, settings, result);
  for (const auto& thread : crew.threads()) {
    result.tally.merge(thread->tally());
    if (const auto lost = thread->disturbed(); lost > 0) {
      result.tally.blame(&Tally::lost_connections, "a connection that kept still was closed or written to", lost);
    }
  }
  return result;
}

}  // namespace flare::bench
