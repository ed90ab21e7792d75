#include "flared/storage/kyoto_replacement.h"

#include "flared/storage/deletions_file.h"
#include "flared/storage/file_tools.h"

namespace flare {

Result<std::unique_ptr<Replacement>, StorageError> KyotoStorage::begin_replacement(std::uint64_t expected_items) {
  if (replacing_.exchange(true)) return StorageError::aborted;  // one at a time: the files have one name
  auto fresh = FreshStore::begin(path("flare.kch.new"), options_, expected_items);
  if (!fresh) {
    replacing_ = false;
    logger_.error("{}", fresh.error().text);
    return StorageError::io;
  }
  return std::unique_ptr<Replacement>{std::make_unique<KyotoReplacement>(*this, std::move(*fresh))};
}

KyotoStorage::KyotoReplacement::~KyotoReplacement() {
  fresh_.reset();  // while nobody else may begin one
  storage_.replacing_ = false;
}

Result<void, StorageError> KyotoStorage::KyotoReplacement::put(std::string_view key, const RecordView& record) {
  return told(fresh_->put(key, record));  // forgets a deletion: it was stored again while the snapshot was taken
}

Result<void, StorageError> KyotoStorage::KyotoReplacement::told(const Result<void, StorageError>& stored) {
  if (stored) return stored;
  return storage_.storage_failure(stored.error() == StorageError::out_of_space ? ENOSPC : EIO, "flare.kch.new");
}

Result<void, StorageError> KyotoStorage::KyotoReplacement::put_newer(std::string_view key, const RecordView& record) {
  return told(fresh_->change(key, record_header_bytes + record.data.size(),
                             [&record](const Present& present) { return decide_dumped(record, present); }));
}

// A touch writes a record of the old length in its old place.
Result<Outcome, StorageError> KyotoStorage::KyotoReplacement::execute(const Operation& operation, std::int64_t now_s) {
  Outcome outcome;
  NumberText number;
  const auto data_bytes_max = storage_.options_.data_bytes_max;
  const auto decide_change = [&](const Present& present) {
    const auto decision = decide(operation, present, now_s, data_bytes_max, number);
    outcome = decision.outcome;
    return decision.change;
  };
  const auto written = told(fresh_->change(operation.key, record_header_bytes + operation.data.size(), decide_change));
  if (!written) return written.error();
  return outcome;
}

Result<void, StorageError> KyotoStorage::KyotoReplacement::commit(const Position& position, const EpochTable& epochs) {
  const bool whole = fresh_->close({.log_id = position.log_id, .sequence = position.sequence});
  int error = whole ? UpdateLog::create(storage_.path("log.new"), {.log_id = position.log_id,
                                                                   .first = next(position.sequence),
                                                                   .epoch = position.epoch,
                                                                   .epochs = epochs})
                    : EIO;
  if (error == 0)
    error = write_deletions(storage_.path("log.new"), {position.log_id, Sequence{0}}, fresh_->deletions());
  if (error != 0) {
    std::error_code ignored;
    std::filesystem::remove_all(storage_.path("log.new"), ignored);
    return storage_.storage_failure(error, whole ? "log.new" : "flare.kch.new");
  }
  const std::lock_guard not_trimming{storage_.trim_mutex_};
  const std::lock_guard alone{storage_.gate_};
  return storage_.swap_in_replacement(*fresh_);
}

// The old log goes first: neither store may ever meet a log whose entries it must not have. A kill between two steps
// leaves a whole store without its log, for which the start draws a new log-id.
Result<void, StorageError> KyotoStorage::swap_in_replacement(FreshStore& fresh) {
  if (!commit_locked() || !store_->close()) return StorageError::io;
  ++generation_;
  if (::rename(path("log").c_str(), path("log.old").c_str()) != 0 ||
      (errno = fresh.take_name(path("flare.kch"))) != 0 ||
      ::rename(path("log.new").c_str(), path("log").c_str()) != 0) {
    const int error = errno;
    fail("swapping in a replacement");
    return storage_failure(error, "flare.kch.new");
  }
  if (const int error = sync_folder(options_.data_dir)) {
    logger_.warning("{}: cannot be synced: {}", options_.data_dir.string(), error_text(error));
  }
  auto log = UpdateLog::open(log_options(), {});
  if (!log) {
    logger_.error("{}", log.error());
    fail("opening the log of a replacement");
    return StorageError::io;
  }
  set_files({.store = store_, .log = std::move(*log)});
  deletions_.replace_by(fresh.deletions());
  deletions_as_of_ = Sequence{0};
  set_inexact({});
  std::error_code ignored;
  std::filesystem::remove_all(path("log.old"), ignored);
  if (!open_swapped()) return StorageError::io;
  recount();
  quota_.measured(fresh.bytes());
  log_->checkpointed(log_->last());
  health_ = Health::good;
  return {};
}

}  // namespace flare
