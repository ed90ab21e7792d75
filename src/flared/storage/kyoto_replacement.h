#pragma once

#include <functional>

#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_storage.h"

namespace flare {

/// `flare.kch.new` beside the store that serves (replication.md 4). One at a time; must end before its storage.
class KyotoStorage::KyotoReplacement final : public Replacement {
 public:
  KyotoReplacement(KyotoStorage& storage, std::shared_ptr<HashStore> fresh)
      : storage_(storage), fresh_(std::move(fresh)), deletions_(storage.options_.deletions_max) {}
  ~KyotoReplacement() override;
  Result<void, StorageError> put(std::string_view key, const RecordView& record) override;
  void put_deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) override {
    deletions_.remember(key, {version, hold_until_s});
  }
  Result<void, StorageError> put_newer(std::string_view key, const RecordView& record) override;
  Result<Outcome, StorageError> execute(const Operation& operation, std::int64_t now_s) override;
  Result<void, StorageError> commit(const Position& position, const EpochTable& epochs) override;

 private:
  using DecideChange = std::function<Change(const Present& present)>;
  class BuildVisitor;
  Result<void, StorageError> change(std::string_view key, std::size_t record_bytes, const DecideChange& decide);

  KyotoStorage& storage_;
  std::shared_ptr<HashStore> fresh_;  // null after commit
  Deletions deletions_;
};

}  // namespace flare
