#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "flared/replication/stream_checksum.h"
#include "flared/replication/stream_codec.h"
#include "flared/storage/storage.h"

namespace flare {

/// Turns a scan into DELETED and RECORD messages, piece by piece, with the count and checksum that end the snapshot.
/// `gather` is for the blocking pool, the rest for the control thread, in turn.
class SnapshotEncoder final : public RecordSink {
 public:
  /// The next slices, up to about 64 KiB; false when the scan is done.
  Result<bool, StorageError> gather(Scan& scan);
  /// Takes out of the piece what `wanted` refuses; false if a record is larger than the stream allows.
  bool keep(const std::function<bool(std::string_view key)>& wanted);
  /// The piece, which now counts. Once for each.
  std::string_view take();

  std::uint64_t records() const { return records_; }  // of the piece
  stream::SnapshotEnd end() const { return {count_, checksum_.value()}; }

  void record(std::string_view key, const RecordView& record) override;
  void deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) override;

 private:
  std::string piece_;
  std::uint64_t records_ = 0;
  std::uint64_t count_ = 0;  // of all pieces taken
  stream::Checksum checksum_;
};

}  // namespace flare
