#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace flare {

/// How far a snapshot is on its way from a master to its slave; either side has one.
struct BuildProgress {
  using TimePoint = std::chrono::steady_clock::time_point;
  std::uint64_t records = 0;
  std::uint64_t expected = 0;  // 0: not known
  TimePoint began{};
};

/// Seconds until it is over if it goes on as fast as up to now, rounded up; empty while nothing can be said.
inline std::optional<std::int64_t> eta_s(const BuildProgress& progress, BuildProgress::TimePoint now) {
  if (progress.expected == 0 || progress.records == 0 || now <= progress.began) return std::nullopt;
  if (progress.records >= progress.expected) return 0;
  const std::chrono::duration<double> passed = now - progress.began;
  const auto left = static_cast<double>(progress.expected - progress.records);
  return static_cast<std::int64_t>(passed.count() * left / static_cast<double>(progress.records)) + 1;
}

}  // namespace flare
