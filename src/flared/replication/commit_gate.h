#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>

#include "common/base/ids.h"

namespace flare {

/// Up to where the log is safe in all copies that could be promoted (docs/replication.md 9), for the answers that wait
/// for it (docs/design.md 3.3). The control thread tells, workers ask; without waiters, by atomics alone.
class CommitGate {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  /// False: not in time, or this node's role has changed. Called once, on any thread.
  using Done = std::function<void(bool committed)>;

  // Workers.
  /// replication-type sync: every answer from the own store waits.
  bool sync() const { return sync_.load(std::memory_order_relaxed); }
  /// Enough nodes are in sync for a sync write to begin.
  bool may_begin() const { return may_begin_.load(std::memory_order_relaxed); }
  /// `last`: of what the own log has written. Sequentially consistent with `wait_for_slaves`: who reads "alone" has
  /// written before the first slave was waited for, and that slave has to reach it before it counts.
  bool reached(Sequence last) const { return alone_ || Sequence{committed_.load()} >= last; }
  void when_reached(Sequence last, Done done);

  // The control thread.
  void set_sync(bool sync) { sync_.store(sync, std::memory_order_relaxed); }
  void set_may_begin(bool may) { may_begin_.store(may, std::memory_order_relaxed); }
  void set_patience(Duration patience) { patience_ = patience; }
  /// Nobody else could be promoted: what is written is committed. Answers all who wait.
  void stand_alone();
  void wait_for_slaves() { alone_ = false; }
  bool alone() const { return alone_; }
  void commit(Sequence committed);
  /// A new role: nothing is known to be committed. Those who wait will not hear of it.
  void forget();
  /// Those whose patience is over.
  void expire(TimePoint now);
  /// Somebody waits, or has waited since the last `expire`.
  bool waited_for() const { return waiting_.load(std::memory_order_relaxed) > 0; }
  Sequence committed() const { return Sequence{committed_.load()}; }
  /// Called, on any thread and quickly, when the first begins to wait.
  void on_waiting(std::function<void()> listener);

 private:
  struct Waiter {
    TimePoint deadline;
    Done done;
  };
  using Waiters = std::multimap<Sequence, Waiter>;

  static void answer(Waiters waiters, bool committed);

  std::atomic<bool> sync_{false};
  std::atomic<bool> may_begin_{true};
  std::atomic<bool> alone_{true};
  std::atomic<std::uint64_t> committed_{0};
  std::atomic<std::size_t> waiting_{0};
  std::atomic<Duration> patience_{std::chrono::seconds{5}};
  std::mutex mutex_;
  Waiters waiters_;
  std::function<void()> listener_;
};

}  // namespace flare
