#include "flare_bench/pace.h"

#include <cmath>

namespace flare::bench {

std::optional<TimePoint> ClosedLoop::take(TimePoint now) {
  if (over(now)) return std::nullopt;
  --left_;
  return now;
}

OpenLoop::OpenLoop(TimePoint start, double per_second, std::uint64_t requests, Clock::duration grace)
    : start_{start}, gap_ns_{1e9 / per_second}, requests_{requests}, grace_{grace} {}

// From the start and not from the one before: a rounded gap would drift.
TimePoint OpenLoop::due(std::uint64_t number) const {
  return start_ + std::chrono::nanoseconds{std::llround(gap_ns_ * static_cast<double>(number))};
}

std::optional<TimePoint> OpenLoop::take(TimePoint now) {
  if (over(now) || now < due(taken_)) return std::nullopt;
  return due(taken_++);
}

std::optional<TimePoint> OpenLoop::next_due() const {
  if (taken_ == requests_) return std::nullopt;
  return due(taken_);
}

bool OpenLoop::over(TimePoint now) const { return taken_ == requests_ || now >= due(requests_ - 1) + grace_; }

}  // namespace flare::bench
