#include "flared/access_watch.h"

#include "flared/access_mark.h"

namespace flare {

namespace {

bool above(std::chrono::milliseconds lasts, std::chrono::milliseconds threshold) {
  return threshold.count() > 0 && lasts >= threshold;
}

}  // namespace

std::vector<AccessWatch::Slow> AccessWatch::look(const std::vector<std::uint64_t>& marks, TimePoint now) {
  std::vector<Slow> slow;
  too_long_ = false;
  seen_.resize(marks.size());
  for (std::size_t worker = 0; worker < marks.size(); ++worker) {
    auto& seen = seen_[worker];
    if (!is_inside(marks[worker]) || marks[worker] != seen.mark) {
      seen = {marks[worker], now, false};
      continue;
    }
    const auto lasts = std::chrono::duration_cast<std::chrono::milliseconds>(now - seen.since);
    too_long_ |= above(lasts, thresholds_.ping_ng);
    if (above(lasts, thresholds_.warn) && !seen.told) slow.push_back({worker, lasts});
    seen.told |= above(lasts, thresholds_.warn);
  }
  return slow;
}

}  // namespace flare
