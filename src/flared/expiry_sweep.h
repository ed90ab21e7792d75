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

/// Makes room for a client's write: removes expired entries by logged deletes, which the slaves follow (docs/design.md
/// 3.9). Runs only when somebody waits for room, in slices with pauses. On the control thread; slices on the blocking
/// pool.
class ExpirySweep {
 public:
  static constexpr std::chrono::milliseconds patience{1000};  // of one who waits for room
  static constexpr std::size_t waiting_max = 1024;

  /// `is_master`: whether this node may remove entries now. Asked before each slice.
  ExpirySweep(IoExecutor executor, Storage& storage, BlockingPool& pool, const Clock& clock, Log& log,
              std::function<bool()> is_master);

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
  };
  IoTask<> run();
  IoTask<bool> look_at_all();
  Slice take_slice(Scan& scan);
  std::uint64_t remove(const std::vector<std::string>& keys, std::int64_t now_s);
  bool clock_jumped();
  void release(std::size_t count, bool made_room);
  void watch_patience();

  IoExecutor executor_;
  Storage& storage_;
  BlockingPool& pool_;
  const Clock& clock_;
  Log& log_;
  std::function<bool()> is_master_;
  Timer pause_;
  Timer patience_timer_;
  bool patience_watched_ = false;
  std::deque<Waiting> waiting_;
  bool running_ = false;
  bool stopping_ = false;
  std::int64_t clock_offset_s_;  // of the day's time from the steady one
  std::uint64_t sweeps_ = 0;
  std::uint64_t reclaimed_ = 0;
};

}  // namespace flare
