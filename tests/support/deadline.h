#pragma once

#include <chrono>
#include <thread>

namespace flare::test {

using Milliseconds = std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

/// The end of a wait: every wait of a test has one.
class Deadline {
 public:
  explicit Deadline(Milliseconds from_now) : end_{SteadyClock::now() + from_now} {}
  [[nodiscard]] bool passed() const { return SteadyClock::now() >= end_; }
  /// What is left, for poll(2); 0 when passed.
  [[nodiscard]] int left_ms() const {
    const auto left = std::chrono::duration_cast<Milliseconds>(end_ - SteadyClock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
  }

 private:
  SteadyClock::time_point end_;
};

inline constexpr Milliseconds poll_pause{5};

/// Asks again every few milliseconds until `condition` holds; false if the deadline came first.
template <class Condition>
[[nodiscard]] bool eventually(const Condition& condition, Milliseconds limit = Milliseconds{10'000}) {
  const Deadline deadline{limit};
  while (!condition()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(poll_pause);
  }
  return true;
}

}  // namespace flare::test
