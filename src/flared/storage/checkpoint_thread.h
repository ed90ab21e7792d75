#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "flared/storage/storage_options.h"

namespace flare {

/// Calls `work` by volume of writes and at the latest a second after the first one (docs/design.md 3.2). Sleeps without
/// a timer while nothing is written. Owns its thread.
class CheckpointThread {
 public:
  CheckpointThread(CheckpointPace pace, std::function<void()> work);
  ~CheckpointThread() { stop(); }
  CheckpointThread(const CheckpointThread&) = delete;
  CheckpointThread& operator=(const CheckpointThread&) = delete;

  /// One write of so many bytes. From any thread; takes a lock only at the first and at the last before the work.
  void note_write(std::size_t bytes);
  /// Work now.
  void request();
  void stop();

 private:
  void run();

  const CheckpointPace pace_;
  const std::function<void()> work_;
  std::atomic<std::uint64_t> volume_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool dirty_ = false;
  bool urgent_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace flare
