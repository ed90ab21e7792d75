#include "flare_bench/phases.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <future>

#include "flare_bench/file_limit.h"
#include "flare_bench/load_thread.h"
#include "flare_bench/processor_time.h"

namespace flare::bench {
namespace {

constexpr std::chrono::milliseconds look_around{50};
constexpr std::chrono::milliseconds between_lines{500};

/// Tells each half second on a terminal how far the threads are; on anything else, nothing.
class ProgressLine {
 public:
  explicit ProgressLine(const std::vector<std::unique_ptr<LoadThread>>& threads) : threads_{threads} {}

  void begin(const char* phase) {
    phase_ = phase;
    begin_ = last_ = Clock::now();
    answered_ = answered();
  }
  void show() {
    const auto now = Clock::now();
    if (!terminal_ || now - last_ < between_lines) return;
    const auto all = answered();
    const double rate = static_cast<double>(all - answered_) / Seconds{now - last_}.count();
    std::fprintf(stderr, "\r%-8s %6.1f s %12.0f/s %10llu faults", phase_, Seconds{now - begin_}.count(), rate,
                 static_cast<unsigned long long>(sum(&Progress::faults)));
    answered_ = all;
    last_ = now;
  }
  void end() const {
    if (terminal_) std::fputs("\r\033[K", stderr);
  }

 private:
  [[nodiscard]] std::uint64_t sum(std::atomic<std::uint64_t> Progress::*figure) const {
    std::uint64_t all = 0;
    for (const auto& thread : threads_) all += (thread->progress().*figure).load(std::memory_order_relaxed);
    return all;
  }
  [[nodiscard]] std::uint64_t answered() const { return sum(&Progress::answered); }

  const std::vector<std::unique_ptr<LoadThread>>& threads_;
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  const char* phase_ = "";
  TimePoint begin_{};
  TimePoint last_{};
  std::uint64_t answered_ = 0;
};

/// While it lives, SIGINT and SIGTERM wait to be asked for: they end a run early, with its figures.
class EndEarly {
 public:
  EndEarly() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~EndEarly() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  EndEarly(const EndEarly&) = delete;
  EndEarly& operator=(const EndEarly&) = delete;

  [[nodiscard]] bool wanted() const {
    const timespec at_once{};
    return ::sigtimedwait(&signals_, nullptr, &at_once) > 0;
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

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
