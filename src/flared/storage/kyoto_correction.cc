#include "flared/storage/deletions_file.h"
#include "flared/storage/file_tools.h"
#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_storage.h"
#include "flared/storage/kyoto_visitors.h"

/// The return of a node that was ahead (docs/replication.md 11): its log is cut, and the keys that it wrote behind the
/// cut get what its source has. The order makes a kill harmless: first the correction gets its name on the disk, and
/// from then on a start does all of it again; the store is brought to the log's end; the log is cut; the store is
/// changed and committed; the correction gets its other name. A store that stands behind the cut differs from one at
/// the cut in keys of the correction only; one before it is brought there by the log.
namespace flare {

Result<void, StorageError> KyotoStorage::look(std::string_view key, RecordSink& sink) {
  if (!readable()) return StorageError::io;
  LookVisitor visitor{deletions_, sink};
  if (!store_->db().accept(key.data(), key.size(), &visitor, false)) return met_failure(key);
  if (visitor.damaged()) return met_damage(key);
  return {};
}

Result<void, StorageError> KyotoStorage::correct(const Correction& correction) {
  // A local snapshot of what is taken back must not meet the log that follows (docs/design.md 3.6).
  if (!can_be_corrected()) return StorageError::io;
  const std::lock_guard not_trimming{trim_mutex_};
  const auto& common = correction.common;
  const auto log = files().log;
  if (common.log_id != log->log_id() || common.sequence > log->last() || next(common.sequence) < log->first()) {
    return StorageError::sequence_gap;
  }
  if (const int error = write_correction(path("log"), correction)) return storage_failure(error, "log/correction");
  const std::lock_guard alone{gate_};
  if (!checkpoint_locked()) {
    withdraw_correction(path("log"));
    return write_refusal();
  }
  if (const auto failure = carry_out(correction); !failure.empty()) {
    logger_.error("{}", failure);
    fail("taking back what the source does not have");
    return StorageError::io;
  }
  return {};
}

// The old log object keeps its files; its scans and pins see nothing of the new one.
std::string KyotoStorage::carry_out(const Correction& correction) {
  ++generation_;
  if (const int error = cut_log(path("log"), correction.common)) {
    return fmt::format("{}: cannot be cut: {}", path("log").string(), error_text(error));
  }
  auto log = UpdateLog::open(log_options(), {});
  if (!log) return log.error();
  set_files({.store = store_, .log = std::move(*log)});
  return finish(correction);
}

// With the log cut, and the store standing at its end or behind it.
std::string KyotoStorage::finish(const Correction& correction) {
  for (const auto& entry : entries_of(correction)) {
    if (!apply_to_store(entry, nullptr)) {
      return fmt::format("{}: a key of {} cannot be written ({})", path("flare.kch").string(),
                         path("log/correction").string(), store_->error());
    }
  }
  // The log knows nothing of what is remembered by this, and of what is not.
  deletions_as_of_ = correction.common.sequence;
  if (const int error = write_deletions(path("log"), {log_->log_id(), deletions_as_of_}, deletions_)) {
    return fmt::format("{}: cannot be written: {}", path("log/deletions").string(), error_text(error));
  }
  if (!checkpoint_locked()) return fmt::format("{}: the checkpoint failed", path("flare.kch").string());
  if (const int error = mark_corrected(path("log"))) {
    return fmt::format("{}: cannot be renamed: {}", path("log/correction").string(), error_text(error));
  }
  set_inexact(inexact_keys_of(correction));
  return {};
}

void KyotoStorage::set_inexact(InexactKeys keys) {
  const std::lock_guard lock{inexact_mutex_};
  inexact_ = std::move(keys);
}

std::vector<std::string> KyotoStorage::inexact_keys() const {
  const auto last = position().sequence;
  const std::lock_guard lock{inexact_mutex_};
  return last < inexact_.exact_at ? inexact_.keys : std::vector<std::string>{};
}

}  // namespace flare
