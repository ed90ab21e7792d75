#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/blocking_pool.h"
#include "common/net/task.h"
#include "flared/storage/storage.h"

namespace flare {

/// Removes expired entries by logged deletes, which the slaves follow (docs/design.md 3.9), in slices with pauses: now
/// and then what has expired a minute ago, with a small share of the time; and at once, when a client's write waits for
/// room. On the control thread; slices on the blocking pool.
class ExpirySweep {
 public:
  static constexpr std::chrono::milliseconds patience{1000};  // of one who waits for room
  static constexpr std::size_t waiting_max = 1024;
  /// Of a sweep that nobody waits for.
  static constexpr int share_of_time = 10;

  /// When a sweep that nobody waits for removes what (options expiry-sweep-interval and -delay).
  struct Rhythm {
    std::chrono::seconds look_every{60};
    /// How long an entry must have expired, and the clock gone evenly, before it is removed without need. At least 2:
    /// two clocks that are read in whole seconds drift apart by one.
    std::chrono::seconds delay{60};
  };

  /// `is_master`: whether this node may remove entries now. Asked before each slice.
  ExpirySweep(IoExecutor executor, Storage& storage, BlockingPool& pool, const Clock& clock, Log& log,
              std::function<bool()> is_master, Rhythm rhythm);

  /// Looks from now on in its rhythm. Ends with `stopped`.
  void begin_looking();
  /// One look: sweeps gently if there is something to find. False: not now.
  bool look();

  using Done = std::function<void(bool made_room)>;
  /// Calls `done` once: with true when something was removed, else when all was looked at or `patience` has passed.
  void ask(Done done);
  /// No new slice, and waits for the one in work: before the storage closes.
  IoTask<> stopped();

  std::uint64_t sweeps() const { return sweeps_; }        // begun
  std::uint64_t reclaimed() const { return reclaimed_; }  // entries removed

 private:
  struct Waiting {
    std::chrono::steady_clock::time_point until;
    Done done;
  };
  struct Slice {
    bool more = false;
    bool failed = false;
    std::uint64_t removed = 0;
    std::chrono::steady_clock::duration took{};
  };
  enum class Pace : std::uint8_t { gentle, urgent };
  IoTask<> run();
  IoTask<bool> look_at_all(Pace pace);
  Slice take_slice(Scan& scan, std::int64_t expired_by_s);
  std::uint64_t remove(const std::vector<std::string>& keys, std::int64_t expired_by_s);
  std::int64_t expired_by_s(Pace pace) const;
  void look_again_later();
  bool clock_jumped();
  void release(std::size_t count, bool made_room);
  void watch_patience();

  IoExecutor executor_;
  Storage& storage_;
  BlockingPool& pool_;
  const Clock& clock_;
  Log& log_;
  std::function<bool()> is_master_;
  const Rhythm rhythm_;
  Timer pause_;
  Timer patience_timer_;
  bool patience_watched_ = false;
  std::deque<Waiting> waiting_;
  bool running_ = false;
  Pace pace_ = Pace::gentle;
  Timer look_timer_;
  std::chrono::steady_clock::time_point even_since_;  // the clock has not jumped since
  bool stopping_ = false;
  std::int64_t clock_offset_s_;  // of the day's time from the steady one
  std::uint64_t sweeps_ = 0;
  std::uint64_t reclaimed_ = 0;
};

}  // namespace flare
