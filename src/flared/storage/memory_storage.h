#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>

#include "common/base/limits.h"
#include "flared/storage/deletions.h"
#include "flared/storage/storage.h"

namespace flare {

/// The model of a Storage, for tests: a map and a log in memory, one lock. Safe from any thread.
class MemoryStorage : public Storage {
 public:
  explicit MemoryStorage(LogId log_id = LogId{1}, std::size_t deletions_max = 65536,
                         std::size_t data_bytes_max = limits::value_bytes_max)
      : data_bytes_max_(data_bytes_max), deletions_max_(deletions_max), deletions_(deletions_max), log_id_(log_id) {}

  Result<bool, StorageError> get(std::string_view key, std::int64_t now_s, RecordSink& sink) override;
  Result<Outcome, StorageError> execute(const Operation& operation, std::int64_t now_s, RecordSink* sink) override;
  Result<void, StorageError> write_log() override;
  Result<void, StorageError> apply(const LogEntry& entry) override;
  Result<void, StorageError> flush() override;
  Result<void, StorageError> set_epoch(Epoch epoch) override;
  void set_version_floor(RecordVersion floor) override { version_floor_ = floor; }
  Position position() const override;
  Sequence written_sequence() const override;
  EpochTable epochs() const override;
  Result<Sequence, StorageError> read_log(Sequence after, std::size_t bytes_max, std::string& out) const override;
  void on_log_written(std::function<void()> listener) override;
  Result<void, StorageError> look(std::string_view key, RecordSink& sink) override;
  Result<void, StorageError> correct(const Correction& correction) override;
  std::vector<std::string> inexact_keys() const override;
  Result<std::unique_ptr<Scan>, StorageError> begin_scan() override;
  Result<std::unique_ptr<Replacement>, StorageError> begin_replacement(std::uint64_t expected_items) override;
  StorageFigures figures() const override;
  void limit(const StoreLimits& limits) override;
  void limit_prefixes(const std::vector<PrefixLimit>& limits) override;
  StoreQuota& quota() override { return quota_; }
  Result<void, StorageError> close() override;

  /// Forgets the log up to and including `last`, as retention would.
  void drop_log(Sequence last);

 private:
  RecordVersion version_floor_{0};
  class MemoryScan;
  class MemoryReplacement;
  using Records = std::map<std::string, std::string, std::less<>>;  // key -> record bytes

  void enter() override {}
  void leave() override {}
  Present present(std::string_view key) const;
  void log_entry(LogEntry entry);
  void change(const LogEntry& entry);
  void store(std::string_view key, std::string bytes);
  void empty();
  void recount();
  std::optional<StorageError> reserve(const Operation& operation, std::size_t new_bytes);

  const std::size_t data_bytes_max_;
  const std::size_t deletions_max_;
  mutable std::recursive_mutex mutex_;  // a sink may ask for the position
  Records records_;
  Deletions deletions_;
  StoreQuota quota_;
  LogId log_id_;
  Epoch epoch_{0};
  Epoch last_epoch_{0};
  EpochTable epochs_;
  Sequence dropped_{0};          // log_ begins behind this one
  std::deque<std::string> log_;  // encoded
  Sequence written_{0};
  InexactKeys inexact_;
  std::uint64_t generation_ = 0;  // raised when scans become void
  StorageFigures figures_;
  std::mutex listener_mutex_;
  std::function<void()> listener_;
};

}  // namespace flare
