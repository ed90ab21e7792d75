#pragma once

#include "flared/storage/fresh_store.h"
#include "flared/storage/kyoto_storage.h"

namespace flare {

/// `flare.kch.new` beside the store that serves (replication.md 4). One at a time; must end before its storage.
class KyotoStorage::KyotoReplacement final : public Replacement {
 public:
  KyotoReplacement(KyotoStorage& storage, std::unique_ptr<FreshStore> fresh)
      : storage_(storage), fresh_(std::move(fresh)) {}
  ~KyotoReplacement() override;
  Result<void, StorageError> put(std::string_view key, const RecordView& record) override;
  void put_deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) override {
    fresh_->deletions().remember(key, {version, hold_until_s});
  }
  Result<void, StorageError> put_newer(std::string_view key, const RecordView& record) override;
  Result<Outcome, StorageError> execute(const Operation& operation, std::int64_t now_s) override;
  Result<void, StorageError> commit(const Position& position, const EpochTable& epochs) override;

 private:
  Result<void, StorageError> told(const Result<void, StorageError>& stored);

  KyotoStorage& storage_;
  std::unique_ptr<FreshStore> fresh_;
};

}  // namespace flare
