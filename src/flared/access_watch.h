#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace flare {

struct AccessThresholds {
  std::chrono::milliseconds warn{0};     // 0: no line in the log
  std::chrono::milliseconds ping_ng{0};  // 0: ping does not care
  bool operator==(const AccessThresholds&) const = default;
};

/// Which accesses to the store last too long, from looks at the workers' marks (access_mark.h). One that is seen twice
/// counts from the first look, so it has lasted at least that long. Pure: time is passed in.
class AccessWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Slow {
    std::size_t worker = 0;
    std::chrono::milliseconds lasts{0};  // at least
  };

  explicit AccessWatch(AccessThresholds thresholds) : thresholds_(thresholds) {}

  /// Those that have come above `warn` since the look before; each is told once.
  std::vector<Slow> look(const std::vector<std::uint64_t>& marks, TimePoint now);
  /// At the last look one was above `ping_ng`.
  bool too_long() const { return too_long_; }

 private:
  struct Seen {
    std::uint64_t mark = 0;
    TimePoint since;
    bool told = false;
  };

  AccessThresholds thresholds_;
  std::vector<Seen> seen_;  // by worker
  bool too_long_ = false;
};

}  // namespace flare
