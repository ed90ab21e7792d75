#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "flared/storage/storage_options.h"
#include "flared/storage/update_log.h"

namespace flare {

/// Brings the update log to the disk on a thread of its own (docs/design.md 3.6): within a second of a write
/// (`interval`), or at once for all who wait, in one sync (`group`): whoever comes while it runs shares the next.
/// Sleeps without a timer while nothing is written.
class LogSync {
 public:
  using CurrentLog = std::function<std::shared_ptr<UpdateLog>()>;
  /// `failed` is called once, on the own thread: what the kernel could not write is lost for it, so no sync is tried
  /// again.
  LogSync(Durability durability, CurrentLog log, std::function<void()> failed);
  ~LogSync() { stop(); }
  LogSync(const LogSync&) = delete;
  LogSync& operator=(const LogSync&) = delete;

  /// New entries are with the kernel. From any thread; takes a lock only at the first one of an interval.
  void note_written();
  /// Calls `done(true)` when `log` is on the disk up to `sequence`, `done(false)` when it never will be; on the own
  /// thread, or at once after `stop`.
  void when_on_disk(std::shared_ptr<UpdateLog> log, Sequence sequence, std::function<void(bool)> done);
  /// Ends the thread; what waits is synced first.
  void stop();

 private:
  struct Waiter {
    std::shared_ptr<UpdateLog> log;
    Sequence sequence{0};
    std::function<void(bool)> done;
  };
  void run();
  bool wait(std::unique_lock<std::mutex>& lock);
  void serve(std::vector<Waiter> waiters);
  bool sync(UpdateLog& log);

  const Durability durability_;
  const CurrentLog log_;
  const std::function<void()> failed_;
  std::atomic<bool> dirty_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Waiter> waiters_;
  bool stopping_ = false;
  bool lost_ = false;  // own thread
  std::thread thread_;
};

}  // namespace flare
