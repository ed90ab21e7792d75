#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flared/replication/stream_checksum.h"
#include "flared/replication/stream_codec.h"
#include "flared/storage/storage.h"

namespace flare {

/// What a store has for the keys that a slave has asked for (docs/replication.md 11), as one RECORD or DELETED for each
/// in their order, piece by piece. `gather` is for the blocking pool, the rest for the control thread, in turn.
class KeysEncoder final : public RecordSink {
 public:
  KeysEncoder(Storage& storage, std::vector<std::string> keys) : storage_(storage), keys_(std::move(keys)) {}

  /// The next keys, up to about 64 KiB; false when these are the last.
  Result<bool, StorageError> gather();
  std::string_view piece() const { return piece_; }
  std::uint64_t records() const { return records_; }  // of the piece
  std::uint64_t expected() const { return keys_.size(); }
  stream::KeysEnd end(Sequence exact_at) const { return {exact_at, done_, checksum_.value()}; }

 private:
  void record(std::string_view key, const RecordView& record) override;
  void deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) override;

  Storage& storage_;
  const std::vector<std::string> keys_;
  std::size_t done_ = 0;
  bool shown_ = false;
  std::string piece_;
  std::uint64_t records_ = 0;
  stream::Checksum checksum_;
};

}  // namespace flare
