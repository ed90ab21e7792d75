#include "flared/time_watcher.h"

namespace flare {

void TimeWatcher::apply(const FlaredOptions& options) {
  const AccessThresholds thresholds{options.storage_access_watch_threshold_warn,
                                    options.storage_access_watch_threshold_ping_ng};
  const auto interval =
      options.time_watcher_enabled ? options.time_watcher_polling_interval : std::chrono::milliseconds{0};
  if (interval == interval_ && thresholds == thresholds_) return;
  interval_ = interval;
  thresholds_ = thresholds;
  stop();
  const bool nothing_to_see = thresholds == AccessThresholds{};
  if (options.time_watcher_enabled && (interval.count() == 0 || nothing_to_see)) {
    log_.warning("time-watcher-enabled watches nothing: set {}",
                 nothing_to_see ? "storage-access-watch-threshold-warn-msec or -ping-ng-msec above 0"
                                : "time-watcher-polling-interval-msec above 0");
  }
  if (interval.count() == 0 || nothing_to_see) return;
  watch_.emplace(thresholds);
  look_soon();
}

void TimeWatcher::stop() {
  timer_.cancel();
  watch_.reset();
  too_long_.store(false, std::memory_order_relaxed);
}

void TimeWatcher::look_soon() {
  timer_.expires_after(interval_);
  timer_.async_wait([this](const error_code& error) {
    if (error || !watch_) return;
    look();
    look_soon();
  });
}

void TimeWatcher::look() {
  for (const auto& slow : watch_->look(marks_(), std::chrono::steady_clock::now())) {
    log_.warning(
        "worker {} has been in the store for {} ms (storage-access-watch-threshold-warn-msec {}): is the disk slow?",
        slow.worker, slow.lasts.count(), thresholds_.warn.count());
  }
  const bool now = watch_->too_long();
  if (now == too_long_.exchange(now, std::memory_order_relaxed)) return;
  if (now) {
    log_.error(
        "an access to the store lasts above {} ms (storage-access-watch-threshold-ping-ng-msec): ping answers an "
        "error until it ends",
        thresholds_.ping_ng.count());
  } else {
    log_.notice("no access to the store lasts too long any more: ping answers OK");
  }
}

}  // namespace flare
