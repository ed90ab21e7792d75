#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace flare {

/// Lets one of many like messages pass in each `pause`, and counts the others. Safe from any thread, without locks.
class RateGate {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit RateGate(std::chrono::steady_clock::duration pause) : pause_(pause.count()) {}

  /// How many were held back since the last one that passed; nullopt: this one is held back as well.
  std::optional<std::uint64_t> pass(Time now) {
    const auto ticks = now.time_since_epoch().count();
    auto next = next_.load(std::memory_order_relaxed);
    if (ticks < next || !next_.compare_exchange_strong(next, ticks + pause_, std::memory_order_relaxed)) {
      held_back_.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    return held_back_.exchange(0, std::memory_order_relaxed);
  }

 private:
  using Ticks = std::chrono::steady_clock::rep;
  const Ticks pause_;
  std::atomic<Ticks> next_{0};
  std::atomic<std::uint64_t> held_back_{0};
};

}  // namespace flare
