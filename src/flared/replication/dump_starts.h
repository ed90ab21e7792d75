#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <vector>

#include "flared/storage/log_entry.h"

namespace flare {

/// Where the log stood when a `dump` of this node's store was begun. An original slave asks for one as soon as it has
/// the map that makes it one, which may be before this node has it. Safe from any thread.
class DumpStarts {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kept_for{15};  // above the time in which a map reaches every node

  void note(Sequence at, TimePoint now) {
    const std::lock_guard lock{mutex_};
    forget_old(now);
    starts_.push_back({at, now});
  }

  /// The lowest of the last `kept_for`.
  std::optional<Sequence> earliest(TimePoint now) {
    const std::lock_guard lock{mutex_};
    forget_old(now);
    std::optional<Sequence> found;
    for (const auto& start : starts_) found = std::min(found.value_or(start.at), start.at);
    return found;
  }

 private:
  struct Start {
    Sequence at;
    TimePoint when;
  };
  static constexpr std::size_t starts_max = 1024;

  void forget_old(TimePoint now) {
    std::erase_if(starts_, [now](const Start& start) { return now - start.when > kept_for; });
    if (starts_.size() >= starts_max) starts_.erase(starts_.begin() + 1);  // not the earliest
  }

  std::mutex mutex_;
  std::vector<Start> starts_;  // the earliest first
};

}  // namespace flare
