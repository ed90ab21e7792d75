#include "flared/storage/checkpoint_thread.h"

namespace flare {
namespace {

constexpr std::uint64_t bytes_per_volume = 1024;

}  // namespace

CheckpointThread::CheckpointThread(CheckpointPace pace, std::function<void()> work)
    : pace_(pace), work_(std::move(work)), thread_([this] { run(); }) {}

void CheckpointThread::note_write(std::size_t bytes) {
  const auto more = 1 + bytes / bytes_per_volume;
  const auto before = volume_.fetch_add(more, std::memory_order_relaxed);
  const bool first = before == 0;
  const bool full = before < pace_.volume_max && before + more >= pace_.volume_max;
  if (!first && !full) return;
  const std::lock_guard lock{mutex_};
  dirty_ = true;
  urgent_ = urgent_ || full;
  wake_.notify_one();
}

void CheckpointThread::request() {
  const std::lock_guard lock{mutex_};
  urgent_ = true;
  wake_.notify_one();
}

void CheckpointThread::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void CheckpointThread::run() {
  std::unique_lock lock{mutex_};
  while (true) {
    wake_.wait(lock, [this] { return dirty_ || urgent_ || stopping_; });
    wake_.wait_for(lock, pace_.dirty_max, [this] { return urgent_ || stopping_; });
    if (stopping_) return;
    dirty_ = urgent_ = false;
    volume_.store(0, std::memory_order_relaxed);  // writes from here on are of the next round
    lock.unlock();
    work_();
    lock.lock();
  }
}

}  // namespace flare
