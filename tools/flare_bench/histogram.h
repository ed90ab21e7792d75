#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace flare::bench {

/// Counts durations in buckets that are at most 0.8 % wide, so that any share of them can be told afterwards. Fixed
/// size, no allocation while counting; the longest is kept exactly.
class Histogram {
 public:
  using Duration = std::chrono::nanoseconds;

  void add(Duration duration);
  void merge(const Histogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] Duration longest() const { return longest_; }
  [[nodiscard]] Duration mean() const;
  /// The duration that this share of all (0 to 1) does not exceed; zero when nothing was counted.
  [[nodiscard]] Duration share(double part) const;
  /// Buckets that are not empty: the longest duration that falls in it, and how many did.
  [[nodiscard]] std::vector<std::pair<Duration, std::uint64_t>> buckets() const;

 private:
  static constexpr unsigned fine_bits = 7;    // buckets in each doubling: 2^7
  static constexpr unsigned value_bits = 42;  // over an hour in nanoseconds; what is longer falls in the last bucket
  static constexpr std::size_t fine = std::size_t{1} << fine_bits;
  static constexpr std::size_t bucket_count = fine * (value_bits - fine_bits + 1);

  static std::size_t bucket_of(std::uint64_t nanoseconds);
  static std::uint64_t upper_end(std::size_t bucket);

  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  Duration longest_{0};
  double sum_ns_ = 0;
};

}  // namespace flare::bench
