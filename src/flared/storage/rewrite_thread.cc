#include "flared/storage/rewrite_thread.h"

namespace flare {

void RewriteThread::wake() {
  const std::lock_guard lock{mutex_};
  if (working_ || stopping_) return;
  if (thread_.joinable()) thread_.join();  // it has said that it ends, as its last act
  working_ = true;
  thread_ = std::thread{[this] { run(); }};
}

void RewriteThread::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    stopping_told_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void RewriteThread::run() {
  const Pause wait = [this](Duration duration) { return pause(duration); };
  while (true) {
    const auto again = work_(wait);
    if (again && pause(*again)) continue;
    const std::lock_guard lock{mutex_};
    working_ = false;
    return;
  }
}

bool RewriteThread::pause(Duration duration) {
  std::unique_lock lock{mutex_};
  return !stopping_told_.wait_for(lock, duration, [this] { return stopping_; });
}

}  // namespace flare
