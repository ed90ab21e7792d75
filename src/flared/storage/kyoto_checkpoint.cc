#include "flared/storage/file_tools.h"
#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_storage.h"

/// Checkpoint and repair (docs/design.md 3.2). All of it with the gate held exclusively, or before the store serves.
namespace flare {

void KyotoStorage::checkpoint() {
  {
    const std::lock_guard alone{gate_};
    if (health_ == Health::failed) return;
    if (!checkpoint_locked() && health_ == Health::good) checkpoints_thread_->note_write(0);  // again in a second
  }
  tell_listener();
}

bool KyotoStorage::checkpoint_locked() { return commit_locked() && begin_locked(); }

bool KyotoStorage::commit_locked() {
  if (health_ == Health::failed) return false;
  if (!log_->write()) return false;  // the store is never ahead of its log
  if (health_ == Health::poisoned && !heal_locked()) return false;
  if (!store_->commit({.log_id = log_->log_id(), .sequence = log_->last()})) return fail("a commit");
  log_->checkpointed(log_->last());
  ++checkpoints_;
  return true;
}

bool KyotoStorage::begin_locked() { return store_->begin() || fail("the begin of a transaction"); }

bool KyotoStorage::fail(const char* what) {
  health_ = Health::failed;
  logger_.error("{}: {} failed ({}); nothing is served until a restart repairs the store from its log",
                path("flare.kch").string(), what, store_->error());
  return false;
}

// Back to the last checkpoint, and again from there what the log has.
bool KyotoStorage::heal_locked() {
  ++generation_;
  if (!store_->roll_back() || !store_->begin()) return fail("the roll-back");
  health_ = Health::good;
  if (const auto failure = replay(store_->place().sequence); !failure.empty()) {
    logger_.error("{}", failure);
    return fail("the repair from the log");
  }
  recount();
  logger_.warning("{}: repaired from the log up to entry {}", path("flare.kch").string(), raw(log_->last()));
  return true;
}

std::string KyotoStorage::replay(Sequence after) {
  std::string failure;
  const auto visited = log_->visit(after, [&](const LogEntry& entry) {
    if (!failure.empty()) return;
    const bool applied =
        entry.kind == EntryKind::flush ? replay_flush(entry.sequence) : apply_to_store(entry, nullptr).has_value();
    if (!applied) {
      failure = fmt::format("{}: entry {} of the log cannot be applied ({})", path("flare.kch").string(),
                            raw(entry.sequence), store_->error());
    }
    ++replayed_;
  });
  if (!visited) return fmt::format("{}: cannot be read from entry {} on", path("log").string(), raw(next(after)));
  return failure;
}

}  // namespace flare
