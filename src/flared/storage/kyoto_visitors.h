#pragma once

#include <kcdb.h>

#include <optional>
#include <string>
#include <tuple>

#include "flared/storage/deletions.h"
#include "flared/storage/storage.h"
#include "flared/storage/store_space.h"
#include "flared/storage/update_log.h"

/// What runs inside the library, under the record's lock. None of it may call the store.
namespace flare {

/// The record's bytes, put together in memory of the thread that is used again and again: the library wants them in one
/// piece.
std::string_view compose_record(std::uint32_t flags, std::int64_t expire_s, RecordVersion version,
                                std::string_view head, std::string_view tail);

class ReadVisitor final : public kyotocabinet::DB::Visitor {
 public:
  ReadVisitor(std::int64_t now_s, RecordSink& sink) : now_s_(now_s), sink_(sink) {}
  bool found() const { return found_; }
  bool damaged() const { return damaged_; }

 private:
  const char* visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                         std::size_t* new_bytes) override;

  const std::int64_t now_s_;
  RecordSink& sink_;
  bool found_ = false;
  bool damaged_ = false;
};

/// Read, decide, log, write (design.md 3): the entry is numbered here, so the log has each key's writes in their order.
class ExecuteVisitor final : public kyotocabinet::DB::Visitor {
 public:
  struct Context {
    const Operation& operation;
    std::int64_t now_s;
    std::size_t data_bytes_max;
    UpdateLog& log;
    Deletions& deletions;
    RecordSink* sink;
    StoreQuota& quota;
    SpaceClaim& space;
    RecordVersion version_floor{0};
  };
  explicit ExecuteVisitor(const Context& context) : context_(context) {}

  const Result<Outcome, StorageError>& result() const { return result_; }
  bool changes() const { return changes_; }  // an entry was logged
  /// Nothing was done, since the claim is too small for a record of so many bytes, its key included: to be tried again.
  std::optional<std::size_t> wanted_room() const { return wanted_room_; }
  std::size_t record_bytes() const { return record_bytes_; }

 private:
  const char* visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                         std::size_t* new_bytes) override;
  const char* visit_empty(const char* key, std::size_t key_bytes, std::size_t* new_bytes) override;
  const char* decide_on(Present present, std::size_t* new_bytes);
  void tell(std::string_view key, const Decision& decision);
  const char* store(const Change& change, std::size_t* new_bytes);
  const char* remove(const Change& change);
  bool reserve(std::int64_t items, std::int64_t bytes);
  bool claim(std::size_t record_bytes);
  bool log_entry(const LogEntry& entry);

  const Context context_;
  Result<Outcome, StorageError> result_ = StorageError::io;  // until the visit
  bool changes_ = false;
  std::size_t record_bytes_ = 0;
  std::optional<std::size_t> old_bytes_;  // of the record's value before
  std::optional<std::size_t> wanted_room_;
};

/// Writes what an entry says, without comparing versions; logged under the entry's own number if there is a log. Takes
/// its room of `space` before the visit.
class ApplyVisitor final : public kyotocabinet::DB::Visitor {
 public:
  ApplyVisitor(const LogEntry& entry, Deletions& deletions, UpdateLog* log, StoreQuota& quota, SpaceClaim& space)
      : entry_(entry), deletions_(deletions), log_(log), quota_(quota), space_(space) {
    const bool removes = entry.kind == EntryKind::remove;
    std::ignore = space.take(removes ? 0 : entry.key.size() + record_header_bytes + entry.data.size());
  }

  const Result<void, StorageError>& result() const { return result_; }

 private:
  const char* visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                         std::size_t* new_bytes) override;
  const char* visit_empty(const char* key, std::size_t key_bytes, std::size_t* new_bytes) override;
  const char* apply(std::string_view key, std::optional<std::size_t> old_bytes, std::size_t* new_bytes);

  const LogEntry& entry_;
  Deletions& deletions_;
  UpdateLog* log_;
  StoreQuota& quota_;
  SpaceClaim& space_;
  Result<void, StorageError> result_ = StorageError::io;  // until the visit
};

/// Counts what a StoreQuota counts: all bytes here, those of prefixes there.
class CountVisitor final : public kyotocabinet::DB::Visitor {
 public:
  explicit CountVisitor(PrefixQuotas& prefixes) : prefixes_(prefixes) {}
  std::uint64_t bytes() const { return bytes_; }

 private:
  const char* visit_full(const char* key, std::size_t key_bytes, const char*, std::size_t value_bytes,
                         std::size_t*) override {
    bytes_ += key_bytes + value_bytes;
    prefixes_.add({key, key_bytes}, 1, static_cast<std::int64_t>(key_bytes + value_bytes));
    return NOP;
  }
  PrefixQuotas& prefixes_;
  std::uint64_t bytes_ = 0;
};

/// Shows what there is for a key whatever the time, or the remembered deletion.
class LookVisitor final : public kyotocabinet::DB::Visitor {
 public:
  LookVisitor(const Deletions& deletions, RecordSink& sink) : deletions_(deletions), sink_(sink) {}
  bool damaged() const { return damaged_; }

 private:
  const char* visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                         std::size_t* new_bytes) override;
  const char* visit_empty(const char* key, std::size_t key_bytes, std::size_t* new_bytes) override;

  const Deletions& deletions_;
  RecordSink& sink_;
  bool damaged_ = false;
};

/// Hands a cursor's records to a sink, and tells of a damaged one.
class ScanVisitor final : public kyotocabinet::DB::Visitor {
 public:
  explicit ScanVisitor(RecordSink& sink) : sink_(sink) {}
  std::uint64_t records() const { return records_; }
  const std::optional<std::string>& damaged_key() const { return damaged_key_; }

 private:
  const char* visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                         std::size_t* new_bytes) override;

  RecordSink& sink_;
  std::uint64_t records_ = 0;
  std::optional<std::string> damaged_key_;
};

}  // namespace flare
