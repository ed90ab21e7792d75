#pragma once

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
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

/// For what takes moments on a machine at rest: far above what a loaded one makes of them.
inline constexpr Milliseconds usual_limit{30'000};
/// Of one question of many, so that whoever asks again comes to it.
inline constexpr Milliseconds ask_limit{10'000};

/// What a bound on a measured time is widened by: nothing where FLARE_STRICT_TIMES says that the machine is at rest,
/// else as much as a loaded one may need beside the daemons.
[[nodiscard]] inline Milliseconds load_allowance() {
  return std::getenv("FLARE_STRICT_TIMES") != nullptr ? Milliseconds{0} : Milliseconds{8'000};
}

/// Asks again every few milliseconds until `condition` holds; false if the deadline came first. What cannot be asked
/// (a connection that is refused or closed) does not hold yet; why the last one could not is told at the deadline.
template <class Condition>
[[nodiscard]] bool eventually(const Condition& condition, Milliseconds limit = usual_limit) {
  const Deadline deadline{limit};
  for (std::string failure;; std::this_thread::sleep_for(poll_pause)) {
    try {
      if (condition()) return true;
      failure.clear();
    } catch (const std::runtime_error& error) {
      failure = error.what();
    }
    if (!deadline.passed()) continue;
    if (!failure.empty()) std::cerr << "at the deadline of a condition: " << failure << "\n";
    return false;
  }
}

}  // namespace flare::test
