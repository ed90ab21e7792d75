#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "flared/storage/deletions.h"
#include "flared/storage/hash_store.h"
#include "flared/storage/log_entry.h"
#include "flared/storage/storage.h"
#include "flared/storage/store_quota.h"

namespace flare {

/// A store's file while it is made beside the one that serves: for a flush, a build, a rewrite. Nobody else uses it, so
/// it has no undo file. Its file is removed unless it takes another's name.
class FreshStore {
 public:
  struct Failure {
    std::string text;  // a sentence that names the file
    bool no_room = false;
  };
  /// `items`: as many as are expected.
  static Result<std::unique_ptr<FreshStore>, Failure> begin(std::filesystem::path path, StorageOptions options,
                                                            std::uint64_t items);
  ~FreshStore();
  FreshStore(const FreshStore&) = delete;
  FreshStore& operator=(const FreshStore&) = delete;

  Result<void, StorageError> put(std::string_view key, const RecordView& record);
  /// Any but a flush.
  Result<void, StorageError> apply(const LogEntry& entry);
  /// What is there for the key, and what becomes of it; under the record's lock, from any thread.
  using DecideChange = std::function<Change(const Present& present)>;
  /// `record_bytes_max`: of what may be written; claimed before anything is changed.
  Result<void, StorageError> change(std::string_view key, std::size_t record_bytes_max, const DecideChange& decide);
  Deletions& deletions() { return deletions_; }
  std::uint64_t items();
  std::uint64_t bytes() const { return counted_.counted_bytes(); }  // keys and records

  /// All of it goes to the disk; then it can be gone on with. An errno value.
  int sync();
  /// Whole, standing at `place`.
  bool close(const HashStore::Place& place);
  /// After close. An errno value.
  int take_name(const std::filesystem::path& name);
  const std::filesystem::path& path() const { return path_; }

 private:
  FreshStore(std::filesystem::path path, StorageOptions options);

  const std::filesystem::path path_;
  const StorageOptions options_;
  std::shared_ptr<HashStore> store_;  // null: closed
  Deletions deletions_;
  StoreQuota counted_;
  bool named_ = false;
};

}  // namespace flare
