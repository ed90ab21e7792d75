#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "common/base/log.h"
#include "common/net/task.h"
#include "flared/access_watch.h"
#include "flared/options.h"

namespace flare {

/// Option time-watcher-enabled: looks at what the workers do in the store, and tells the log and `ping` of an access
/// that lasts too long (docs/spec/cluster.md 4.1). Off with the option, and without an interval or any threshold. On
/// the control thread, but for `too_long`.
class TimeWatcher {
 public:
  using Marks = std::function<std::vector<std::uint64_t>()>;

  TimeWatcher(IoExecutor executor, Log& log, Marks marks) : timer_(executor), log_(log), marks_(std::move(marks)) {}

  void apply(const FlaredOptions& options);
  void stop();
  /// While an access is above storage-access-watch-threshold-ping-ng-msec. Any thread.
  bool too_long() const { return too_long_.load(std::memory_order_relaxed); }

 private:
  void look_soon();
  void look();

  Timer timer_;
  Log& log_;
  Marks marks_;
  std::chrono::milliseconds interval_{0};
  AccessThresholds thresholds_;
  std::optional<AccessWatch> watch_;  // empty: off
  std::atomic<bool> too_long_{false};
};

}  // namespace flare
