#pragma once

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>

#include "flared/replication/storage_failure.h"
#include "flared/storage/file_tools.h"
#include "flared/storage/kyoto_storage.h"

namespace flare::snapshot {

/// A storage in `rebuild/` that is being filled.
class Building {
 public:
  static Result<Building, std::string> begin(const StorageOptions& options, Log& log, const Clock& clock) {
    auto inside = options;
    inside.data_dir = options.data_dir / "rebuild";
    std::error_code error;
    std::filesystem::remove_all(inside.data_dir, error);
    if (::mkdir(inside.data_dir.c_str(), 0755) != 0) {
      return fmt::format("{}: cannot be created: {}", inside.data_dir.string(), error_text(errno));
    }
    auto opened = KyotoStorage::open(inside, log, clock);
    if (!opened) return opened.error().text;
    Building building;
    building.storage_ = std::move(*opened);
    auto replacement = building.storage_->begin_replacement(0);
    if (!replacement) return store_failed("beginning a new store", replacement.error());
    building.replacement_ = std::move(*replacement);
    return building;
  }

  KyotoStorage& storage() { return *storage_; }

  Result<void, std::string> put(std::string_view key, const RecordView& record) {
    const auto stored = replacement_->put(key, record);
    if (!stored) return store_failed("storing a record", stored.error());
    return {};
  }
  void put_deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) {
    replacement_->put_deletion(key, version, hold_until_s);
  }

  /// A new history: positions in the old one must not be taken for positions in this store.
  Result<void, std::string> commit(Epoch epoch, Sequence sequence, const EpochTable& epochs) {
    const auto log_id = storage_->position().log_id;
    const auto committed = replacement_->commit({LogId{raw(log_id) ^ 1}, epoch, sequence}, epochs);
    replacement_.reset();
    if (!committed) return store_failed("closing a new store", committed.error());
    return {};
  }

  Result<void, std::string> apply(const LogEntry& entry) {
    const Storage::Batch batch{*storage_};
    const auto applied = storage_->apply(entry);
    if (!applied) return store_failed("applying an entry of the log", applied.error());
    return {};
  }

  Result<void, std::string> close() {
    if (!storage_->close()) return std::string{"the rebuilt store cannot be closed; the disk may be full"};
    storage_.reset();
    return {};
  }

 private:
  Building() = default;
  std::unique_ptr<KyotoStorage> storage_;
  std::unique_ptr<Replacement> replacement_;  // ends before its storage
};

}  // namespace flare::snapshot
