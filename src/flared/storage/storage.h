#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "flared/storage/correction.h"
#include "flared/storage/log_entry.h"
#include "flared/storage/operation.h"
#include "flared/storage/record.h"
#include "flared/storage/store_quota.h"

namespace flare {

enum class StorageError : std::uint8_t {
  io,                        // the library or the log failed: `SERVER_ERROR i/o error`
  out_of_space,              // refused before anything was changed: `SERVER_ERROR out of disk space`
  damaged,                   // the record's bytes are not a record
  too_old,                   // the log does not reach back to the asked sequence
  sequence_gap,              // an applied entry does not follow the last one
  aborted,                   // a scan that a flush or a swap has made void
  too_many_items,            // a limited operation would exceed the quota: nothing was changed or logged
  too_many_bytes,            // likewise
  too_many_items_of_prefix,  // likewise, of the key's prefix
  too_many_bytes_of_prefix,
};

/// Gets a record's bytes while its lock is held: copy, do not call the storage.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void record(std::string_view key, const RecordView& record) = 0;
  /// A remembered deletion (protocol.md 3); only scans show them.
  virtual void deletion(std::string_view /*key*/, RecordVersion /*version*/, std::int64_t /*hold_until_s*/) {}
  /// By `execute` only, under the same lock and before `record`: what came of the operation, once it is in the log. So
  /// the marks of a key (item_marks.h) follow its versions without a gap.
  virtual void executed(std::string_view /*key*/, const Outcome& /*outcome*/) {}
};

struct StorageFigures {
  std::uint64_t items = 0;               // records in the file, expired ones included
  std::uint64_t file_bytes = 0;          // size of flare.kch
  std::uint64_t log_bytes = 0;           // all segments
  std::uint64_t log_appended_bytes = 0;  // since the start
  std::uint64_t checkpoints = 0;
  std::uint64_t log_writes = 0;         // write calls for log data since the start
  std::uint64_t snapshots_taken = 0;    // begin_scan calls since the start
  bool disk_full = false;               // writes are refused
  std::uint64_t refused_for_space = 0;  // writes since the start
  std::uint64_t damaged_records = 0;    // met since the start: each time one was read or passed over
  std::uint64_t rewrites = 0;           // of the store, done since the start
  int rewrite_percent = 0;              // of one that is running
  bool failed = false;                  // a repair failed: nothing is served until a restart (design.md 3.2)
};

/// An exact picture of the store: records scanned in slices, made exact by the log from `position` on (design.md 3.5).
class Scan {
 public:
  virtual ~Scan() = default;
  virtual Position position() const = 0;
  virtual EpochTable epochs() const = 0;
  virtual std::uint64_t expected_items() const = 0;
  /// Hands out the next remembered deletions, then records, about 100 or 1 ms; false when all are done. For the
  /// blocking pool: takes the gate.
  virtual Result<bool, StorageError> next_slice(RecordSink& sink) = 0;
  /// The log behind the scan is not needed.
  virtual void forget_log() {}
};

/// A store under construction beside the one that serves, for a build from a snapshot (replication.md 4).
class Replacement {
 public:
  virtual ~Replacement() = default;  // without `commit`, everything is removed
  virtual Result<void, StorageError> put(std::string_view key, const RecordView& record) = 0;
  virtual void put_deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) = 0;
  /// A record of a dump (docs/spec/cluster.md 6.1): taken only if it is newer than what is there.
  virtual Result<void, StorageError> put_newer(std::string_view key, const RecordView& record) = 0;
  /// A write that comes while the records do. From any thread, but not once `commit` has begun.
  virtual Result<Outcome, StorageError> execute(const Operation& operation, std::int64_t now_s) = 0;
  /// Swaps it in, whole or not at all, and begins a log at the source's position. For the blocking pool.
  virtual Result<void, StorageError> commit(const Position& position, const EpochTable& epochs) = 0;
};

/// Records by key, with the update log. One real engine (kyoto_storage.h) and the model for tests (memory_storage.h).
/// Workers call `get`, `execute`, `write_log` inside a Batch; the rest is for the control thread or the blocking pool.
class Storage {
 public:
  virtual ~Storage() = default;

  /// The store's gate, held shared by a worker for one turn (design.md 2). Nothing in it may wait for a peer.
  class Batch {
   public:
    explicit Batch(Storage& storage) : storage_(storage) { storage_.enter(); }
    ~Batch() { storage_.leave(); }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

   private:
    Storage& storage_;
  };

  /// Shows the record alive at `now_s` to `sink`; false if there is none.
  virtual Result<bool, StorageError> get(std::string_view key, std::int64_t now_s, RecordSink& sink) = 0;
  /// Read, decide, write, log: one step under the key's lock. `sink`, if it is not null, is told the outcome, and gat
  /// and fetch show it the record once.
  virtual Result<Outcome, StorageError> execute(const Operation& operation, std::int64_t now_s, RecordSink* sink) = 0;
  /// Writes the log up to the highest number given so far (design.md 3.3): at most one write call; none if nothing is
  /// due.
  virtual Result<void, StorageError> write_log() = 0;

  /// Whether answers wait for the disk (docs/design.md 3.6, `group`). The same for the whole life of a storage.
  virtual bool answers_wait() const { return false; }
  /// Whether all entries written so far are on the disk. Inside a Batch.
  virtual bool all_on_disk() const { return true; }
  /// Calls `done(true)` when all entries written so far are on the disk, `done(false)` when they never will be; on
  /// another thread, or at once. Inside a Batch, after write_log.
  virtual void when_on_disk(std::function<void(bool)> done) { done(true); }
  /// Of the last entry that survives what `durability` is to survive.
  virtual Sequence durable_sequence() const { return written_sequence(); }
  /// A local snapshot has everything up to `position`: the log before it may go, if it is of that history.
  virtual void keep_log_after(const Position& /*position*/) {}

  /// Applies a master's entry under its number: exactly the next one, or in a higher epoch (replication.md 1). Inside a
  /// Batch.
  virtual Result<void, StorageError> apply(const LogEntry& entry) = 0;
  /// Empties the store as a logged entry; outside a Batch. The old files are kept aside (design.md 3.7).
  virtual Result<void, StorageError> flush() = 0;

  /// The epoch of entries from now on; never lowered. Stored before the next entry.
  virtual Result<void, StorageError> set_epoch(Epoch epoch) = 0;
  /// No version that `execute` gives from now on is below (docs/replication.md 6).
  virtual void set_version_floor(RecordVersion floor) = 0;
  virtual Position position() const = 0;          // of the last entry given
  virtual Sequence written_sequence() const = 0;  // of the last entry the kernel has
  virtual EpochTable epochs() const = 0;

  /// Appends written entries after `after` to `out` in the log's own encoding (log_codec.h), up to about `bytes_max`;
  /// the sequence of the last one. too_old: the log does not reach back. Control thread or blocking pool.
  virtual Result<Sequence, StorageError> read_log(Sequence after, std::size_t bytes_max, std::string& out) const = 0;
  /// Called on the thread of a `write_log` after new entries were written; must be quick. One listener; null for none.
  virtual void on_log_written(std::function<void()> listener) = 0;

  /// Shows what there is for a key whatever the time: its record, its remembered deletion, or nothing. Inside a Batch.
  virtual Result<void, StorageError> look(std::string_view key, RecordSink& sink) = 0;
  /// Whether `correct` can be asked for.
  virtual bool can_be_corrected() const { return true; }
  /// Takes back what the log has behind `correction.common`, whole or not at all, and after a kill in the middle at the
  /// next start (docs/replication.md 11). After an `io` nothing is served until then. Outside a Batch, blocking pool.
  virtual Result<void, StorageError> correct(const Correction& correction) = 0;
  /// The keys of the last correction while the log has not made them exact yet.
  virtual std::vector<std::string> inexact_keys() const = 0;

  virtual Result<std::unique_ptr<Scan>, StorageError> begin_scan() = 0;
  virtual Result<std::unique_ptr<Replacement>, StorageError> begin_replacement(std::uint64_t expected_items) = 0;

  virtual StorageFigures figures() const = 0;
  /// What limited operations may store from now on. Outside a Batch: to begin to count bytes takes the gate for one
  /// pass over all records.
  virtual void limit(const StoreLimits& limits) = 0;
  /// The same for prefixes of keys: StoreQuota::prefixes.
  virtual void limit_prefixes(const std::vector<PrefixLimit>& limits) = 0;
  /// Kept by the storage; from any thread.
  virtual StoreQuota& quota() = 0;
  /// Clean stop: log written, committed, closed, clean mark. Nothing may be called afterwards.
  virtual Result<void, StorageError> close() = 0;

 private:
  friend class Batch;
  virtual void enter() = 0;
  virtual void leave() = 0;
};

inline StorageError storage_error(StoreQuota::Refusal refusal) {
  switch (refusal) {
    case StoreQuota::Refusal::items:
      return StorageError::too_many_items;
    case StoreQuota::Refusal::bytes:
      return StorageError::too_many_bytes;
    case StoreQuota::Refusal::prefix_items:
      return StorageError::too_many_items_of_prefix;
    case StoreQuota::Refusal::prefix_bytes:
      return StorageError::too_many_bytes_of_prefix;
  }
  return StorageError::too_many_items;  // not reached: every member is above
}

}  // namespace flare
