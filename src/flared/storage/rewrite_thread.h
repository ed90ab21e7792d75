#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace flare {

/// Rewrites of the store, one after the other (kyoto_rewrite.h). Owns a thread, which is there only while one is
/// wanted: an idle store has none.
class RewriteThread {
 public:
  using Duration = std::chrono::steady_clock::duration;
  /// Waits; false: the end has come, give up.
  using Pause = std::function<bool(Duration)>;
  /// Looks, and works if it must; how long until the next look, nullopt if none is wanted before the next `wake`.
  using Work = std::function<std::optional<Duration>(const Pause& pause)>;

  explicit RewriteThread(Work work) : work_(std::move(work)) {}
  ~RewriteThread() { stop(); }
  RewriteThread(const RewriteThread&) = delete;
  RewriteThread& operator=(const RewriteThread&) = delete;

  /// Begins to work, if it does not already. Does not wait for it.
  void wake();
  /// Breaks it off and waits for its end; there is none after it.
  void stop();

 private:
  void run();
  bool pause(Duration duration);

  const Work work_;
  std::mutex mutex_;
  std::condition_variable stopping_told_;
  bool working_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace flare
