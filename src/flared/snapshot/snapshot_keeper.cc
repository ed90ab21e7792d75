#include "flared/snapshot/snapshot_keeper.h"

#include <algorithm>

#include "flared/snapshot/take_snapshot.h"

namespace flare::snapshot {
namespace {

constexpr std::chrono::seconds look_each{1};
constexpr std::chrono::seconds pause_after_failure{30};
constexpr std::uint64_t growth_bytes_min = 8 * 1024 * 1024;  // a small store is not written anew all the time

}  // namespace

Keeper::Keeper(Storage& storage, std::filesystem::path data_dir, Describe describe, Log& log)
    : storage_(storage), data_dir_(std::move(data_dir)), describe_(std::move(describe)), log_(log) {
  adopt_present();
}

// Reading it whole would make a start after a kill slow: its last line was synced before it got its name.
void Keeper::adopt_present() {
  const auto position = storage_.position();
  for (const auto& found : list_local(data_dir_)) {
    if (found.log_id != position.log_id || found.sequence > position.sequence) continue;
    std::string probe;
    if (!storage_.read_log(found.sequence, 1, probe)) continue;  // the log does not reach back to it
    std::error_code error;
    const auto bytes = std::filesystem::file_size(found.path, error);
    last_ = Last{found.log_id, error ? 0 : bytes, 0};
    storage_.keep_log_after({found.log_id, position.epoch, found.sequence});
    return;
  }
}

Result<void, std::string> Keeper::ensure() {
  if (last_ && last_->log_id == storage_.position().log_id) return {};
  return take();
}

void Keeper::start() {
  thread_ = std::thread{[this] { run(); }};
}

void Keeper::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Keeper::run() {
  std::unique_lock lock{mutex_};
  auto pause = look_each;
  while (!wake_.wait_for(lock, pause, [this] { return stopping_.load(); })) {
    pause = look_each;
    lock.unlock();
    if (due()) {
      const auto taken = take();
      if (!taken && !stopping_) {
        log_.warning("local snapshot: {}; tried again in {} s", taken.error(), pause_after_failure.count());
        pause = pause_after_failure;
      }
    }
    lock.lock();
  }
}

bool Keeper::due() const {
  const auto figures = storage_.figures();
  if (figures.failed) return false;
  if (!last_ || last_->log_id != storage_.position().log_id) return true;
  return figures.log_appended_bytes - last_->appended >= std::max(last_->bytes, growth_bytes_min);
}

Result<void, std::string> Keeper::take() {
  const auto appended = storage_.figures().log_appended_bytes;
  const auto taken = take_local(storage_, data_dir_, describe_(), [this](std::uint64_t) { return !stopping_; });
  if (!taken) return taken.error();
  last_ = Last{taken->position.log_id, taken->bytes, appended};
  ++taken_;
  storage_.keep_log_after(taken->position);
  remove_other_local(data_dir_, taken->path);
  log_.notice("local snapshot taken: {} bytes, up to entry {}", taken->bytes, raw(taken->position.sequence));
  return {};
}

}  // namespace flare::snapshot
