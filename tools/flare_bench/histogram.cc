#include "flare_bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace flare::bench {

// Below 2^fine_bits each nanosecond has its bucket; above, the highest fine_bits + 1 bits choose it.
std::size_t Histogram::bucket_of(std::uint64_t nanoseconds) {
  if (nanoseconds < fine) return nanoseconds;
  nanoseconds = std::min(nanoseconds, (std::uint64_t{1} << value_bits) - 1);
  const auto shift = static_cast<unsigned>(std::bit_width(nanoseconds)) - fine_bits - 1;
  return (shift + 1) * fine + (nanoseconds >> shift) - fine;
}

std::uint64_t Histogram::upper_end(std::size_t bucket) {
  if (bucket < fine) return bucket;
  const auto shift = bucket / fine - 1;
  return ((bucket % fine + fine + 1) << shift) - 1;
}

void Histogram::add(Duration duration) {
  duration = std::max(duration, Duration{0});
  ++buckets_[bucket_of(static_cast<std::uint64_t>(duration.count()))];
  ++count_;
  longest_ = std::max(longest_, duration);
  sum_ns_ += static_cast<double>(duration.count());
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) buckets_[bucket] += other.buckets_[bucket];
  count_ += other.count_;
  longest_ = std::max(longest_, other.longest_);
  sum_ns_ += other.sum_ns_;
}

Histogram::Duration Histogram::mean() const {
  if (count_ == 0) return Duration{0};
  return Duration{std::llround(sum_ns_ / static_cast<double>(count_))};
}

Histogram::Duration Histogram::share(double part) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    seen += buckets_[bucket];
    if (seen > 0 && seen >= wanted) return std::min(Duration{upper_end(bucket)}, longest_);
  }
  return longest_;
}

std::vector<std::pair<Histogram::Duration, std::uint64_t>> Histogram::buckets() const {
  std::vector<std::pair<Duration, std::uint64_t>> found;
  for (std::size_t bucket = 0; bucket < bucket_count; ++bucket) {
    if (buckets_[bucket] > 0) found.emplace_back(Duration{upper_end(bucket)}, buckets_[bucket]);
  }
  return found;
}

}  // namespace flare::bench
