#include "flared/storage/kyoto_storage.h"

#include <shared_mutex>

#include "common/base/printable.h"
#include "flared/storage/clean_mark.h"
#include "flared/storage/file_tools.h"
#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_visitors.h"

namespace flare {
namespace {

// Above this the writer of the next operation empties the log's buffer first: the buffer is bounded.
constexpr std::uint64_t log_buffered_bytes_max = 4 * 1024 * 1024;

constexpr std::int64_t told_again_s = 60;  // the same trouble of the store

// Of the record that comes of an operation, without what the present one adds.
std::size_t room_for(const Operation& operation) {
  const auto created = operation.creation ? operation.creation->data.size() : 0;
  return operation.key.size() + record_header_bytes + std::max({operation.data.size(), created, sizeof(NumberText)});
}

// Tests give one of their own.
ReserveSpace reserve_of_rewrites(const StorageOptions& options) {
  return options.reserve ? options.reserve : reserve_above(options.disk_reserve_bytes, 2);
}

StorageOptions with_defaults(StorageOptions options) {
  if (!options.reserve) options.reserve = reserve_above(options.disk_reserve_bytes);
  return options;
}

}  // namespace

KyotoStorage::KyotoStorage(StorageOptions options, Log& log, const Clock& clock)
    : rewrite_reserve_(reserve_of_rewrites(options)),
      options_(with_defaults(std::move(options))),
      logger_(log),
      clock_(clock),
      deletions_(options_.deletions_max) {}

KyotoStorage::~KyotoStorage() {
  if (!closed_ && store_) std::ignore = close();
}

Result<std::unique_ptr<KyotoStorage>, OpenFailure> KyotoStorage::open(StorageOptions options, Log& log,
                                                                      const Clock& clock) {
  std::unique_ptr<KyotoStorage> storage{new KyotoStorage{std::move(options), log, clock}};
  if (auto failure = storage->start_up(); !failure.empty()) {
    storage->closed_ = true;  // no clean mark for what did not start
    return OpenFailure{std::move(failure)};
  }
  return storage;
}

Result<bool, StorageError> KyotoStorage::get(std::string_view key, std::int64_t now_s, RecordSink& sink) {
  if (!readable()) return StorageError::io;  // a half-done write may hide the record
  ReadVisitor visitor{now_s, sink};
  if (!store_->db().accept(key.data(), key.size(), &visitor, false)) return met_failure(key);
  if (visitor.damaged()) return met_damage(key);
  return visitor.found();
}

Result<Outcome, StorageError> KyotoStorage::execute(const Operation& operation, std::int64_t now_s, RecordSink* sink) {
  if (health_ != Health::good) return write_refusal();
  if (operation.key.size() > log_key_bytes_max || operation.data.size() > options_.data_bytes_max) {
    return Outcome{.kind = OutcomeKind::too_large};
  }
  if (log_->buffered_bytes() > log_buffered_bytes_max) {
    if (const auto written = write_log(); !written) return written.error();
  }
  if (!store_->has_room(operation.key.size() + operation.data.size())) return offsets_end();

  SpaceClaim space{store_->space(), options_.reserve};
  for (auto room = room_for(operation);;) {
    std::ignore = space.take(room);  // told by the visit, if it has to write
    ExecuteVisitor visitor{{.operation = operation,
                            .now_s = now_s,
                            .data_bytes_max = options_.data_bytes_max,
                            .log = *log_,
                            .deletions = deletions_,
                            .sink = sink,
                            .quota = quota_,
                            .space = space,
                            .version_floor = version_floor_.load(std::memory_order_relaxed)}};
    const bool accepted = store_->db().accept(operation.key.data(), operation.key.size(), &visitor, true);
    if (!accepted || !visitor.wanted_room()) return settle(operation, visitor, accepted);
    room = *visitor.wanted_room();
  }
}

Result<Outcome, StorageError> KyotoStorage::settle(const Operation& operation, const ExecuteVisitor& visitor,
                                                   bool accepted) {
  if (visitor.changes()) checkpoints_thread_->note_write(visitor.record_bytes());
  if (visitor.changes() && disk_full_.load(std::memory_order_relaxed)) disk_full_ = false;
  if (!accepted) return visitor.changes() ? poison("a write") : met_failure(operation.key);
  if (!visitor.result() && visitor.result().error() == StorageError::damaged) return met_damage(operation.key);
  if (!visitor.result() && visitor.result().error() == StorageError::out_of_space) return no_space();
  return visitor.result();
}

Result<void, StorageError> KyotoStorage::write_log() {
  const auto written = log_->write();
  if (!written) return written.error();
  if (*written) tell_listener();
  return {};
}

Result<void, StorageError> KyotoStorage::apply(const LogEntry& entry) {
  if (health_ != Health::good) return write_refusal();
  if (entry.kind == EntryKind::flush) {
    // The caller is inside the gate as one of many; an emptying needs it alone.
    leave();
    const auto flushed = [&]() -> Result<void, StorageError> {
      const std::lock_guard alone{gate_};
      return flush_locked(entry);
    }();
    enter();
    return flushed;
  }
  if (log_->buffered_bytes() > log_buffered_bytes_max) {
    if (const auto written = write_log(); !written) return written.error();
  }
  const auto applied = apply_to_store(entry, log_.get());
  if (!applied && applied.error() == StorageError::out_of_space && store_->has_room(entry.data.size())) {
    return no_space();
  }
  if (applied) {
    checkpoints_thread_->note_write(entry.data.size());
    disk_full_ = false;
  }
  return applied;
}

Result<void, StorageError> KyotoStorage::apply_to_store(const LogEntry& entry, UpdateLog* log) {
  if (log != nullptr && !store_->has_room(entry.key.size() + entry.data.size())) return offsets_end();
  // What the log has was acknowledged: for that the reserve is there.
  SpaceClaim space{store_->space(), log != nullptr ? options_.reserve : last_reserve_};
  ApplyVisitor visitor{entry, deletions_, log, quota_, space};
  const bool accepted = store_->db().accept(entry.key.data(), entry.key.size(), &visitor, true);
  if (accepted) return visitor.result();
  return visitor.result() ? poison("a write of the master") : StorageError::io;
}

// The library could not follow the way to the record.
StorageError KyotoStorage::met_failure(std::string_view key) {
  const bool broken = store_->db().error() == kyotocabinet::BasicDB::Error::BROKEN;
  return broken ? met_damage(key) : StorageError::io;
}

// daemons.md 3.5: never a miss that nobody hears of.
StorageError KyotoStorage::met_damage(std::string_view key) {
  ++damaged_records_;
  const auto now_s = clock_.unix_s();
  if (now_s - damage_told_s_.exchange(now_s) >= told_again_s) {
    logger_.error(
        "{}: the record of key '{}' is damaged; set it anew, or build this node from another. `stats` counts how often "
        "such "
        "records were met as damaged_records",
        path("flare.kch").string(), printable(key));
  }
  return StorageError::damaged;
}

// design.md 3.8: all is there to be read, but there is no room for the undo file of the next write.
StorageError KyotoStorage::write_refusal() { return health_ == Health::full ? no_space() : StorageError::io; }

// design.md 3.10: beyond, the library would corrupt silently. Room on the disk is no help.
StorageError KyotoStorage::offsets_end() {
  ++refused_for_space_;
  const auto now_s = clock_.unix_s();
  if (now_s - space_told_s_.exchange(now_s) >= told_again_s) {
    logger_.warning(
        "{}: a write was refused: the file was made by an original without storage-large and is near the size that its "
        "offsets reach. Reads go on. Build this node from another one, or restore a snapshot of it with flare-backup "
        "into an empty data-dir: new files have no such end",
        path("flare.kch").string());
  }
  return StorageError::out_of_space;
}

// Nothing was changed. The checkpoint thread looks whether something of ours can go.
StorageError KyotoStorage::no_space() {
  ++refused_for_space_;
  if (disk_full_.exchange(true)) return StorageError::out_of_space;
  if (checkpoints_thread_) checkpoints_thread_->note_write(0);  // none while it starts
  const auto now_s = clock_.unix_s();
  if (now_s - space_told_s_.exchange(now_s) >= told_again_s) {
    logger_.warning(
        "{}: a write was refused: its disk is full, or has less free than disk-reserve. Reads go on, and so do writes "
        "as soon as there is room",
        options_.data_dir.string());
  }
  return StorageError::out_of_space;
}

// design.md 3.2: the old record may be gone already and a commit would make that permanent.
StorageError KyotoStorage::poison(const char* what) {
  auto good = Health::good;
  if (health_.compare_exchange_strong(good, Health::poisoned)) {
    logger_.error("{}: {} failed in the middle ({}); the store is rolled back to its checkpoint",
                  path("flare.kch").string(), what, store_->error());
  }
  if (checkpoints_thread_) checkpoints_thread_->request();
  return StorageError::io;
}

Result<void, StorageError> KyotoStorage::flush() {
  Result<void, StorageError> flushed;
  {
    const std::lock_guard alone{gate_};
    flushed = flush_locked(std::nullopt);
  }
  tell_listener();
  // Not on a worker: it may wait here for what an answer has to wait for.
  if (flushed && answers_wait()) return files().log->sync();
  return flushed;
}

Result<void, StorageError> KyotoStorage::set_epoch(Epoch epoch) { return files().log->set_epoch(epoch); }
Position KyotoStorage::position() const { return files().log->position(); }
Sequence KyotoStorage::written_sequence() const { return files().log->written(); }
EpochTable KyotoStorage::epochs() const { return files().log->epochs(); }

Result<Sequence, StorageError> KyotoStorage::read_log(Sequence after, std::size_t bytes_max, std::string& out) const {
  return files().log->read(after, bytes_max, out);
}

// Held during the call, so that whoever removes the listener knows that it is not running any more.
void KyotoStorage::on_log_written(std::function<void()> listener) {
  const std::lock_guard lock{listener_mutex_};
  listener_ = std::move(listener);
}

void KyotoStorage::tell_listener() {
  if (log_sync_) log_sync_->note_written();
  const std::lock_guard lock{listener_mutex_};
  if (listener_) listener_();
}

StorageFigures KyotoStorage::figures() const {
  const auto now = files();
  return {.items = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.store->db().count())),
          .file_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.store->db().size())),
          .log_bytes = now.log->bytes(),
          .log_appended_bytes = past_log_appended_ + now.log->appended_bytes(),
          .checkpoints = checkpoints_,
          .log_writes = past_log_writes_ + now.log->write_calls(),
          .snapshots_taken = snapshots_,
          .disk_full = disk_full_,
          .refused_for_space = refused_for_space_,
          .damaged_records = damaged_records_,
          .rewrites = rewrites_done_,
          .rewrite_percent = rewrite_percent_,
          .failed = health_ == Health::failed};
}

void KyotoStorage::limit(const StoreLimits& limits) {
  if (quota_.limits() == limits) return;
  const std::lock_guard alone{gate_};
  const bool counted = quota_.counts_bytes();
  quota_.set_limits(limits);
  if (quota_.counts_bytes() && !counted && store_) recount();
}

void KyotoStorage::limit_prefixes(const std::vector<PrefixLimit>& limits) {
  const std::lock_guard alone{gate_};
  if (quota_.prefixes().set(limits) && store_) recount();
}

void KyotoStorage::recount() {
  quota_.prefixes().begin_count();
  CountVisitor counting{quota_.prefixes()};
  const bool looks = quota_.counts_bytes() || quota_.prefixes().counts();
  if (looks && !store_->db().iterate(&counting, false)) {
    logger_.error(
        "{}: the records cannot be counted ({}); max-bytes and the quotas of doors take the store for emptier than it "
        "is",
        path("flare.kch").string(), store_->error());
  }
  const auto items = static_cast<std::uint64_t>(std::max<std::int64_t>(0, store_->db().count()));
  quota_.recounted(items, quota_.counts_bytes() ? std::optional{counting.bytes()} : std::nullopt);
  used_when_counted_ =
      start_.new_history ? 0 : store_->used_bytes();  // a store that comes from elsewhere may waste much
}

KyotoStorage::Files KyotoStorage::files() const {
  const std::lock_guard lock{files_mutex_};
  return {store_, log_};
}

void KyotoStorage::set_files(Files files) {
  const std::lock_guard lock{files_mutex_};
  if (log_ && log_ != files.log) {
    past_log_writes_ += log_->write_calls();
    past_log_appended_ += log_->appended_bytes();
  }
  store_ = std::move(files.store);
  log_ = std::move(files.log);
}

Result<void, StorageError> KyotoStorage::close() {
  if (checkpoints_thread_) checkpoints_thread_->stop();
  if (rewrites_) rewrites_->stop();
  bool clean = true;
  {
    const std::lock_guard alone{gate_};
    closed_ = true;
    clean = commit_locked();
    clean = store_->close() && clean;
  }
  // The mark is on the disk when it is written: what it speaks for must be there before.
  if (clean) clean = sync_closed_file(path("flare.kch"), options_.sync) == 0 && log_->sync().has_value();
  if (log_sync_) log_sync_->stop();
  if (!clean) {
    logger_.error("{}: not closed cleanly; the next start repairs it from the log", path("flare.kch").string());
    return StorageError::io;
  }
  auto mark = look_at_store(path("flare.kch"));
  if (!mark) return StorageError::io;
  mark->log_id = log_->log_id();
  mark->sequence = log_->last();
  if (const int error = replace_file(clean_mark_path(options_.data_dir), format_clean_mark(*mark))) {
    logger_.warning("{}: cannot be written: {}", clean_mark_path(options_.data_dir).string(), error_text(error));
  }
  return {};
}

}  // namespace flare
