#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace flare::bench {

/// The slowest answer of each second of a run, so that one can see what else happened then. By the second in which the
/// request was due: a server that hangs shows from when on.
class Timeline {
 public:
  using Duration = std::chrono::nanoseconds;

  void add(Duration since_start, Duration took) {
    const auto second = static_cast<std::size_t>(std::max(since_start, Duration{0}) / std::chrono::seconds{1});
    if (second >= seconds_max) return;
    if (second >= slowest_.size()) slowest_.resize(second + 1);
    slowest_[second] = std::max(slowest_[second], took);
  }
  void merge(const Timeline& other) {
    if (other.slowest_.size() > slowest_.size()) slowest_.resize(other.slowest_.size());
    for (std::size_t second = 0; second < other.slowest_.size(); ++second) {
      slowest_[second] = std::max(slowest_[second], other.slowest_[second]);
    }
  }
  /// Zero where nothing was due.
  [[nodiscard]] const std::vector<Duration>& slowest() const { return slowest_; }

 private:
  static constexpr std::size_t seconds_max = 86'400 + 60;  // of --seconds, and the last answers

  std::vector<Duration> slowest_{};
};

}  // namespace flare::bench
