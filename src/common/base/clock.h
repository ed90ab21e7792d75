#pragma once

#include <chrono>
#include <cstdint>

namespace flare {

/// Time, passed in so that tests can hold it. Safe from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Seconds since 1970, for expiry.
  virtual std::int64_t unix_s() const = 0;
  /// For deadlines and uptimes.
  virtual std::chrono::steady_clock::time_point steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::int64_t unix_s() const override {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::chrono::steady_clock::time_point steady() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace flare
