#pragma once

#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_storage.h"

namespace flare {

/// `flare.kch.new` beside the store that serves (replication.md 4). One at a time; must end before its storage.
class KyotoStorage::KyotoReplacement final : public Replacement {
 public:
  KyotoReplacement(KyotoStorage& storage, std::shared_ptr<HashStore> fresh)
      : storage_(storage), fresh_(std::move(fresh)) {}
  ~KyotoReplacement() override;
  Result<void, StorageError> put(std::string_view key, const RecordView& record) override;
  Result<void, StorageError> commit(const Position& position, const EpochTable& epochs) override;

 private:
  KyotoStorage& storage_;
  std::shared_ptr<HashStore> fresh_;  // null after commit
};

}  // namespace flare
