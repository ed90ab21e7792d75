#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "flare_bench/load_thread.h"

namespace flare::bench {

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
  static constexpr std::chrono::milliseconds between_lines{500};

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

}  // namespace flare::bench
