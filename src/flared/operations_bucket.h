#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace flare {

/// max-ops-per-second: one worker's share of it as a token bucket of one second (docs/security.md). Belongs to the
/// worker's thread: no lock. Pure.
class OperationsBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// At the begin of a turn. A share that has changed begins with a full bucket; 0: no limit.
  void refill(double per_second, Time now) {
    const double room = std::max(1.0, per_second);
    if (per_second != per_second_) {
      per_second_ = per_second;
      tokens_ = room;
    } else {
      tokens_ = std::min(room, tokens_ + per_second * std::chrono::duration<double>(now - filled_at_).count());
    }
    filled_at_ = now;
  }

  /// False: refused. A get of many keys may take more than there is, and is paid for by those that follow.
  bool take(std::uint64_t operations) {
    if (per_second_ <= 0) return true;
    if (tokens_ < 1.0) return false;
    tokens_ -= static_cast<double>(operations);
    return true;
  }

 private:
  double per_second_ = 0;
  double tokens_ = 0;
  Time filled_at_{};
};

}  // namespace flare
