#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "flared/storage/checkpoint_thread.h"
#include "flared/storage/deletions.h"
#include "flared/storage/file_tools.h"
#include "flared/storage/gate.h"
#include "flared/storage/log_sync.h"
#include "flared/storage/rewrite_rules.h"
#include "flared/storage/rewrite_thread.h"
#include "flared/storage/storage.h"
#include "flared/storage/storage_options.h"
#include "flared/storage/update_log.h"

namespace flare {

class ExecuteVisitor;
class FreshStore;
class HashStore;

/// The engine: Kyoto Cabinet's hash store and the update log in one data-dir (docs/design.md 3). Owns both, and a
/// thread for checkpoints. Store and log are replaced only inside the exclusive gate; who is not in a Batch takes them
/// by `files`. Scans, replacements and pins must end before it.
class KyotoStorage final : public Storage {
 public:
  static Result<std::unique_ptr<KyotoStorage>, OpenFailure> open(StorageOptions options, Log& log, const Clock& clock);
  ~KyotoStorage() override;

  Result<bool, StorageError> get(std::string_view key, std::int64_t now_s, RecordSink& sink) override;
  Result<Outcome, StorageError> execute(const Operation& operation, std::int64_t now_s, RecordSink* sink) override;
  Result<void, StorageError> write_log() override;
  bool answers_wait() const override { return options_.durability == Durability::group; }
  bool all_on_disk() const override { return log_->synced() >= log_->written(); }
  void when_on_disk(std::function<void(bool)> done) override;
  Sequence durable_sequence() const override;
  void keep_log_after(const Position& position) override;
  Result<void, StorageError> apply(const LogEntry& entry) override;
  Result<void, StorageError> flush() override;
  Result<void, StorageError> set_epoch(Epoch epoch) override;
  void set_version_floor(RecordVersion floor) override { version_floor_.store(floor, std::memory_order_relaxed); }
  Position position() const override;
  Sequence written_sequence() const override;
  EpochTable epochs() const override;
  Result<Sequence, StorageError> read_log(Sequence after, std::size_t bytes_max, std::string& out) const override;
  void on_log_written(std::function<void()> listener) override;
  Result<void, StorageError> look(std::string_view key, RecordSink& sink) override;
  bool can_be_corrected() const override { return options_.durability == Durability::process; }
  Result<void, StorageError> correct(const Correction& correction) override;
  std::vector<std::string> inexact_keys() const override;
  Result<std::unique_ptr<Scan>, StorageError> begin_scan() override;
  Result<std::unique_ptr<Replacement>, StorageError> begin_replacement(std::uint64_t expected_items) override;
  StorageFigures figures() const override;
  void limit(const StoreLimits& limits) override;
  void limit_prefixes(const std::vector<PrefixLimit>& limits) override;
  StoreQuota& quota() override { return quota_; }
  Result<void, StorageError> close() override;

  /// What the start had to do, for the log and the tests.
  struct Start {
    bool clean = false;        // the last run ended by close
    bool new_history = false;  // a new log-id was drawn
    std::uint64_t entries_applied = 0;
  };
  const Start& start() const { return start_; }

 private:
  class KyotoScan;
  class KyotoReplacement;
  class Rewrite;
  // full: committed, and no room to begin a transaction, so it can only be read.
  enum class Health : std::uint8_t { good, full, poisoned, failed };
  struct Files {
    std::shared_ptr<HashStore> store;
    std::shared_ptr<UpdateLog> log;
  };

  KyotoStorage(StorageOptions options, Log& log, const Clock& clock);
  void enter() override { gate_.lock_shared(); }
  void leave() override { gate_.unlock_shared(); }

  // kyoto_start.cc
  struct LastRun {
    bool fresh = false;            // there is no store yet
    bool clean = false;            // closed, and untouched since
    bool changed = false;          // closed, and changed since
    bool machine_stopped = false;  // not closed, and the machine has booted since
    bool log_damaged = false;
    std::optional<Correction> correction = {};  // the log was cut for it already
  };
  std::string start_up();
  std::string open_files();
  void note_deletion(const LogEntry& entry);
  std::string open_log(LastRun& last);
  std::string settle_history(const LastRun& last);
  std::string begin_history(const char* why);

  // kyoto_checkpoint.cc; *_locked: with the gate held exclusively
  void checkpoint();
  bool checkpoint_locked();
  bool commit_locked();
  bool begin_locked();
  bool heal_locked();
  bool fail(const char* what);
  std::string replay(Sequence after);
  void trim_log();

  // kyoto_flush.cc
  Result<void, StorageError> flush_locked(std::optional<LogEntry> numbered);
  Result<void, StorageError> append_flush();
  bool replay_flush(Sequence sequence);
  Result<std::unique_ptr<FreshStore>, StorageError> prepare_empty(Sequence sequence);
  bool swap_in_empty(FreshStore& fresh, const std::string& kept);
  bool open_swapped();
  std::string free_flushed_name() const;
  void drop_flushed();
  void make_room();

  // kyoto_correction.cc
  std::string carry_out(const Correction& correction);
  std::string finish(const Correction& correction);
  void set_inexact(InexactKeys keys);

  // kyoto_rewrite.cc
  bool swap_in_rewritten(FreshStore& fresh, FileDescriptor& old_file);

  // kyoto_rewrite_look.cc
  StoreShape shape() const;
  void look_whether_to_rewrite();
  std::optional<RewriteThread::Duration> rewrite_if_due(const RewriteThread::Pause& pause);
  std::optional<RewriteThread::Duration> rewrite(RewriteCause cause, const RewriteThread::Pause& pause);
  bool count_live_bytes(const RewriteThread::Pause& pause);

  // kyoto_replacement.cc
  Result<void, StorageError> swap_in_replacement(FreshStore& fresh);

  Result<Outcome, StorageError> settle(const Operation& operation, const ExecuteVisitor& visitor, bool accepted);
  Result<void, StorageError> apply_to_store(const LogEntry& entry, UpdateLog* log);
  StorageError storage_failure(int error, const char* file);
  void tell_listener();
  void begin_syncing();
  void recount();  // with the gate held exclusively, or before the store serves
  Files files() const;
  void set_files(Files files);
  StorageError poison(const char* what);
  bool readable() const { return health_ == Health::good || health_ == Health::full; }
  StorageError write_refusal();
  StorageError no_space();
  StorageError offsets_end();
  StorageError met_damage(std::string_view key);
  StorageError met_failure(std::string_view key);
  std::filesystem::path path(const char* name) const { return options_.data_dir / name; }
  UpdateLog::Options log_options() const;

  const ReserveSpace rewrite_reserve_;  // leaves more than disk-reserve to those who write
  const StorageOptions options_;
  const ReserveSpace last_reserve_ = reserve_space;  // without regard to disk-reserve
  Log& logger_;
  const Clock& clock_;
  Gate gate_;
  Start start_;

  // Inside a Batch or the exclusive gate; changed in the latter and under files_mutex_.
  std::shared_ptr<HashStore> store_;
  std::shared_ptr<UpdateLog> log_;
  mutable std::mutex files_mutex_;

  mutable std::mutex inexact_mutex_;
  InexactKeys inexact_;

  Deletions deletions_;
  Sequence deletions_as_of_{0};  // of their file: what the last correction has made of the table. Under trim_mutex_.
  StoreQuota quota_;
  std::atomic<Health> health_{Health::good};
  std::atomic<bool> disk_full_{false};  // the last write that wanted room was refused
  std::atomic<std::int64_t> space_told_s_{0};
  std::atomic<std::uint64_t> damaged_records_{0};
  std::atomic<std::int64_t> damage_told_s_{0};
  std::atomic<std::uint64_t> refused_for_space_{0};
  std::atomic<std::uint64_t> used_when_counted_{0};
  std::atomic<std::uint64_t> rewrites_done_{0};
  std::atomic<int> rewrite_percent_{0};
  std::string rewrite_trouble_told_;  // the last one; of the rewriting thread
  std::atomic<RecordVersion> version_floor_{RecordVersion{0}};
  std::atomic<int> scans_{0};
  std::atomic<std::uint64_t> generation_{0};  // raised when cursors become void
  std::atomic<bool> replacing_{false};
  std::atomic<std::uint64_t> checkpoints_{0};
  std::atomic<std::uint64_t> snapshots_{0};
  std::atomic<std::uint64_t> past_log_writes_{0};  // of logs that were replaced
  std::mutex trim_mutex_;                          // taken before the gate: the folder of the log stays
  std::mutex listener_mutex_;
  std::function<void()> listener_;
  std::uint64_t replayed_ = 0;
  bool replay_found_no_space_ = false;
  bool closed_ = false;
  std::atomic<std::uint64_t> past_log_appended_{0};
  std::unique_ptr<CheckpointThread> checkpoints_thread_;
  std::unique_ptr<RewriteThread> rewrites_;
  std::unique_ptr<LogSync> log_sync_;  // null: durability = process
};

}  // namespace flare
