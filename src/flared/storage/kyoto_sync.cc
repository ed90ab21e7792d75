

#include "flared/storage/file_tools.h"
#include "flared/storage/kyoto_storage.h"

/// What goes to the disk, and when (docs/design.md 3.6).
namespace flare {

void KyotoStorage::begin_syncing() {
  if (options_.durability == Durability::process) return;
  log_sync_ = std::make_unique<LogSync>(
      options_.durability, [this] { return files().log; },
      [this] {
        health_ = Health::failed;
        logger_.error("{}: cannot be synced; what was written is not safe, and nothing is served until a restart",
                      path("log").string());
      });
}

void KyotoStorage::when_on_disk(std::function<void(bool)> done) {
  if (!log_sync_) return done(true);
  // Not `last`: what other workers have numbered since may not be written yet, and no sync would reach it.
  log_sync_->when_on_disk(log_, log_->written(), std::move(done));
}

Sequence KyotoStorage::durable_sequence() const {
  const auto log = files().log;
  return log_sync_ ? log->synced() : log->written();
}

void KyotoStorage::keep_log_after(const Position& position) {
  const auto log = files().log;
  if (log->log_id() != position.log_id) return;
  log->keep_after(position.sequence);
  trim_log();
}

}  // namespace flare
