#pragma once

#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_storage.h"

namespace flare {

/// A cursor over the store in slices; keeps the log from its position on. Must end before its storage.
class KyotoStorage::KyotoScan final : public Scan {
 public:
  ~KyotoScan() override { --storage_.scans_; }
  /// With the gate held exclusively and the log written.
  static Result<std::unique_ptr<Scan>, StorageError> begin_locked(KyotoStorage& storage);
  Position position() const override { return position_; }
  EpochTable epochs() const override { return epochs_; }
  std::uint64_t expected_items() const override { return expected_items_; }
  Result<bool, StorageError> next_slice(RecordSink& sink) override;
  void forget_log() override { pin_.reset(); }

 private:
  Result<bool, StorageError> end_of_scan();
  explicit KyotoScan(KyotoStorage& storage);
  bool next_deletions(RecordSink& sink);

  KyotoStorage& storage_;
  const std::shared_ptr<HashStore> store_;
  const std::uint64_t generation_;
  const Position position_;
  const EpochTable epochs_;
  const std::uint64_t expected_items_;
  std::shared_ptr<void> pin_;
  kyotocabinet::UndoHashDB::Cursor cursor_;
  const std::uint64_t deletions_end_;  // those that come later are in the log behind position_
  std::uint64_t last_deletion_ = 0;
  bool deletions_done_ = false;
  bool done_ = false;
  std::uint64_t seen_items_ = 0;
};

}  // namespace flare
