#include "flared/storage/deletions_file.h"
#include "flared/storage/file_tools.h"
#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_storage.h"

/// Checkpoint and repair (docs/design.md 3.2). All of it with the gate held exclusively, or before the store serves.
namespace flare {

void KyotoStorage::checkpoint() {
  {
    const std::lock_guard alone{gate_};
    if (health_ == Health::failed) return;
    make_room();
    // What can get better is tried again in a second.
    if (!checkpoint_locked() && health_ != Health::failed) checkpoints_thread_->note_write(0);
  }
  tell_listener();
  trim_log();
  look_whether_to_rewrite();
}

// Outside the gate. What the log has up to its checkpoint is in the table of remembered deletions, and what came since
// does no harm: the log is read behind the file. Without room for the file the log is cut all the same.
void KyotoStorage::trim_log() {
  const std::lock_guard one{trim_mutex_};
  const auto log = files().log;
  const auto up_to = log->surplus();
  if (up_to == Sequence{0}) return;
  if (const int error = write_deletions(path("log"), {log->log_id(), deletions_as_of_}, deletions_)) {
    logger_.warning("{}: cannot be written, deleted keys are forgotten at the next start: {}",
                    path("log/deletions").string(), error_text(error));
  }
  log->drop_surplus(up_to);
}

bool KyotoStorage::checkpoint_locked() { return commit_locked() && begin_locked(); }

bool KyotoStorage::commit_locked() {
  if (health_ == Health::failed) return false;
  if (health_ == Health::full) return true;  // nothing was written since the last commit
  if (!log_->write()) return false;          // the store is never ahead of its log
  if (health_ == Health::poisoned && !heal_locked()) return false;
  if (!store_->commit({.log_id = log_->log_id(), .sequence = log_->last()})) return fail("a commit");
  log_->checkpointed(log_->last());
  ++checkpoints_;
  return true;
}

// design.md 3.8: without room for the undo file the store is still there to be read.
bool KyotoStorage::begin_locked() {
  if (store_->begin()) {
    health_ = Health::good;
    return true;
  }
  if (!store_->out_of_space()) return fail("the begin of a transaction");
  health_ = Health::full;
  std::ignore = no_space();
  return false;
}

bool KyotoStorage::fail(const char* what) {
  health_ = Health::failed;
  logger_.error("{}: {} failed ({}); nothing is served until a restart repairs the store from its log",
                path("flare.kch").string(), what, store_->error());
  return false;
}

// Back to the last checkpoint, and again from there what the log has.
bool KyotoStorage::heal_locked() {
  ++generation_;
  if (store_->in_transaction() && !store_->roll_back()) return fail("the roll-back");
  if (!store_->begin()) return store_->out_of_space() ? false : fail("the roll-back");
  if (const auto failure = replay(store_->place().sequence); !failure.empty()) {
    logger_.error("{}", failure);
    return replay_found_no_space_ ? false : fail("the repair from the log");
  }
  health_ = Health::good;
  recount();
  logger_.warning("{}: repaired from the log up to entry {}", path("flare.kch").string(), raw(log_->last()));
  return true;
}

std::string KyotoStorage::replay(Sequence after) {
  std::string failure;
  replay_found_no_space_ = false;
  const auto visited = log_->visit(after, [&](const LogEntry& entry) {
    if (!failure.empty()) return;
    Result<void, StorageError> applied;
    if (entry.kind != EntryKind::flush) applied = apply_to_store(entry, nullptr);
    if (entry.kind == EntryKind::flush && !replay_flush(entry.sequence)) applied = StorageError::io;
    if (!applied) {
      replay_found_no_space_ = applied.error() == StorageError::out_of_space;
      failure = fmt::format("{}: entry {} of the log cannot be applied ({})", path("flare.kch").string(),
                            raw(entry.sequence), replay_found_no_space_ ? "out of disk space" : store_->error());
    }
    ++replayed_;
  });
  if (!visited) return fmt::format("{}: cannot be read from entry {} on", path("log").string(), raw(next(after)));
  return failure;
}

}  // namespace flare
