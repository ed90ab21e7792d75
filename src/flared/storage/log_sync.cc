#include "flared/storage/log_sync.h"

#include <chrono>

namespace flare {
namespace {

constexpr std::chrono::seconds interval{1};

}  // namespace

LogSync::LogSync(Durability durability, CurrentLog log, std::function<void()> failed)
    : durability_(durability), log_(std::move(log)), failed_(std::move(failed)), thread_([this] { run(); }) {}

void LogSync::note_written() {
  if (durability_ != Durability::interval || dirty_.exchange(true)) return;
  const std::lock_guard lock{mutex_};
  wake_.notify_one();
}

void LogSync::when_on_disk(std::shared_ptr<UpdateLog> log, Sequence sequence, std::function<void(bool)> done) {
  {
    const std::lock_guard lock{mutex_};
    if (!stopping_) {
      waiters_.push_back({std::move(log), sequence, std::move(done)});
      if (waiters_.size() == 1) wake_.notify_one();
      return;
    }
  }
  done(log->synced() >= sequence);
}

void LogSync::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

// True when there is something to do before the end.
bool LogSync::wait(std::unique_lock<std::mutex>& lock) {
  wake_.wait(lock, [this] { return !waiters_.empty() || dirty_ || stopping_; });
  if (waiters_.empty() && dirty_) {
    wake_.wait_for(lock, interval, [this] { return !waiters_.empty() || stopping_; });
  }
  return !waiters_.empty() || dirty_;
}

void LogSync::run() {
  std::unique_lock lock{mutex_};
  while (wait(lock)) {
    auto waiters = std::move(waiters_);
    waiters_.clear();
    lock.unlock();
    // Before the sync: what is written from here on is of the next interval.
    if (dirty_.exchange(false)) std::ignore = sync(*log_());
    serve(std::move(waiters));
    lock.lock();
  }
}

void LogSync::serve(std::vector<Waiter> waiters) {
  for (auto& waiter : waiters) {
    const bool safe = waiter.log->synced() >= waiter.sequence || sync(*waiter.log);
    waiter.done(safe && waiter.log->synced() >= waiter.sequence);
  }
}

bool LogSync::sync(UpdateLog& log) {
  if (lost_) return false;
  if (log.sync()) return true;
  lost_ = true;
  failed_();
  return false;
}

}  // namespace flare
