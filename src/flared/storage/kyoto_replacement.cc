#include "flared/storage/kyoto_replacement.h"

#include <unistd.h>

#include "flared/storage/file_tools.h"
#include "flared/storage/kyoto_visitors.h"

namespace flare {

Result<std::unique_ptr<Replacement>, StorageError> KyotoStorage::begin_replacement() {
  if (replacing_.exchange(true)) return StorageError::aborted;  // one at a time: the files have one name
  auto fresh = HashStore::open(path("flare.kch.new"), options_, HashStore::Mode::build);
  if (!fresh) {
    replacing_ = false;
    logger_.error("{}", fresh.error());
    return StorageError::io;
  }
  return std::unique_ptr<Replacement>{std::make_unique<KyotoReplacement>(*this, std::move(*fresh))};
}

KyotoStorage::KyotoReplacement::~KyotoReplacement() {
  if (fresh_) {
    fresh_->close();
    ::unlink(storage_.path("flare.kch.new").c_str());
  }
  storage_.replacing_ = false;
}

Result<void, StorageError> KyotoStorage::KyotoReplacement::put(std::string_view key, const RecordView& record) {
  if (!fresh_) return StorageError::io;
  deletions_.forget(key);  // it was stored again while the snapshot was taken
  const auto bytes = compose_record(record.flags, record.expire_s, record.version, record.data, {});
  SpaceClaim space{fresh_->space(), storage_.options_.reserve};
  if (const int error = space.take(key.size() + bytes.size())) return storage_.storage_failure(error, "flare.kch.new");
  if (!fresh_->db().set(key.data(), key.size(), bytes.data(), bytes.size())) {
    return storage_.storage_failure(EIO, "flare.kch.new");
  }
  return {};
}

/// Read, decide, write, without a log: nobody follows a store that is being built.
class KyotoStorage::KyotoReplacement::BuildVisitor final : public kyotocabinet::DB::Visitor {
 public:
  BuildVisitor(const DecideChange& decide, Deletions& deletions) : decide_(decide), deletions_(deletions) {}

 private:
  const char* visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                         std::size_t* new_bytes) override {
    return carry_out({key, key_bytes}, decide_({.record = decode_record({value, value_bytes})}), new_bytes);
  }

  const char* visit_empty(const char* key, std::size_t key_bytes, std::size_t* new_bytes) override {
    const auto remembered = deletions_.find({key, key_bytes}).value_or(Deletions::Deletion{});
    const Present present{.record = std::nullopt,
                          .remembered_version = remembered.version,
                          .remembered_until_s = remembered.hold_until_s};
    return carry_out({key, key_bytes}, decide_(present), new_bytes);
  }

  const char* carry_out(std::string_view key, const Change& change, std::size_t* new_bytes) {
    if (change.kind == ChangeKind::none) return NOP;
    if (change.kind == ChangeKind::remove || change.kind == ChangeKind::remember) {
      deletions_.remember(key, {change.version, change.hold_until_s});
      return REMOVE;  // of nothing is nothing
    }
    deletions_.forget(key);
    const auto bytes = compose_record(change.flags, change.expire_s, change.version, change.head, change.tail);
    *new_bytes = bytes.size();
    return bytes.data();
  }

  const DecideChange& decide_;
  Deletions& deletions_;
};

// `record_bytes`: at most what may be written; claimed before anything is changed.
Result<void, StorageError> KyotoStorage::KyotoReplacement::change(std::string_view key, std::size_t record_bytes,
                                                                  const DecideChange& decide) {
  if (!fresh_) return StorageError::io;
  SpaceClaim space{fresh_->space(), storage_.options_.reserve};
  if (const int error = space.take(key.size() + record_bytes)) return storage_.storage_failure(error, "flare.kch.new");
  BuildVisitor visitor{decide, deletions_};
  if (!fresh_->db().accept(key.data(), key.size(), &visitor, true)) {
    return storage_.storage_failure(EIO, "flare.kch.new");
  }
  return {};
}

Result<void, StorageError> KyotoStorage::KyotoReplacement::put_newer(std::string_view key, const RecordView& record) {
  return change(key, record_header_bytes + record.data.size(),
                [&record](const Present& present) { return decide_dumped(record, present); });
}

// A touch writes a record of the old length in its old place.
Result<Outcome, StorageError> KyotoStorage::KyotoReplacement::execute(const Operation& operation, std::int64_t now_s) {
  Outcome outcome;
  NumberText number;
  const auto data_bytes_max = storage_.options_.data_bytes_max;
  const auto written = change(operation.key, record_header_bytes + operation.data.size(), [&](const Present& present) {
    const auto decision = decide(operation, present, now_s, data_bytes_max, number);
    outcome = decision.outcome;
    return decision.change;
  });
  if (!written) return written.error();
  return outcome;
}

Result<void, StorageError> KyotoStorage::KyotoReplacement::commit(const Position& position, const EpochTable& epochs) {
  if (!fresh_) return StorageError::io;
  const auto fresh = std::move(fresh_);
  const bool whole =
      fresh->begin() && fresh->commit({.log_id = position.log_id, .sequence = position.sequence}) && fresh->close();
  const int error = whole ? UpdateLog::create(storage_.path("log.new"), {.log_id = position.log_id,
                                                                         .first = next(position.sequence),
                                                                         .epoch = position.epoch,
                                                                         .epochs = epochs})
                          : EIO;
  if (error != 0) {
    std::error_code ignored;
    ::unlink(storage_.path("flare.kch.new").c_str());
    std::filesystem::remove_all(storage_.path("log.new"), ignored);
    return storage_.storage_failure(error, whole ? "log.new" : "flare.kch.new");
  }
  const std::lock_guard alone{storage_.gate_};
  return storage_.swap_in_replacement(deletions_);
}

// The old log goes first: neither store may ever meet a log whose entries it must not have. A kill between two steps
// leaves a whole store without its log, for which the start draws a new log-id.
Result<void, StorageError> KyotoStorage::swap_in_replacement(Deletions& deletions) {
  if (!commit_locked() || !store_->close()) return StorageError::io;
  ++generation_;
  if (::rename(path("log").c_str(), path("log.old").c_str()) != 0 ||
      ::rename(path("flare.kch.new").c_str(), path("flare.kch").c_str()) != 0 ||
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
  deletions_.replace_by(deletions);
  std::error_code ignored;
  std::filesystem::remove_all(path("log.old"), ignored);
  if (!open_swapped()) return StorageError::io;
  log_->checkpointed(log_->last());
  health_ = Health::good;
  return {};
}

}  // namespace flare
