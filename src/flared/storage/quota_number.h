#pragma once

#include <atomic>
#include <cstdint>

/// The numbers that quotas count by: nothing else is published by them, so their order is relaxed. From any thread.
namespace flare::quota_number {

using Number = std::atomic<std::int64_t>;
inline constexpr auto relaxed = std::memory_order_relaxed;

inline std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

inline std::uint64_t as_count(const Number& number) {
  const auto value = number.load(relaxed);
  return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

/// False: it would be above `limit` (0: none) then, and stays as it is. What does not grow is never refused.
inline bool grow(Number& number, std::int64_t by, const Number& limit) {
  const auto most = limit.load(relaxed);
  if (by <= 0 || most == 0) {
    if (by != 0) number.fetch_add(by, relaxed);
    return true;
  }
  auto present = number.load(relaxed);
  while (present + by <= most) {
    if (number.compare_exchange_weak(present, present + by, relaxed)) return true;
  }
  return false;
}

}  // namespace flare::quota_number
