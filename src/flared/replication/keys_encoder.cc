#include "flared/replication/keys_encoder.h"

#include <utility>

namespace flare {

namespace {

constexpr std::size_t piece_bytes_max = 64 * 1024;

}  // namespace

Result<bool, StorageError> KeysEncoder::gather() {
  piece_.clear();
  records_ = 0;
  const Storage::Batch batch{storage_};
  for (; done_ < keys_.size() && piece_.size() < piece_bytes_max; ++done_, ++records_) {
    shown_ = false;
    const auto looked = storage_.look(keys_[done_], *this);
    if (!looked) return looked.error();
    if (!shown_) deletion(keys_[done_], RecordVersion{0}, 0);
  }
  checksum_.add(piece_);
  return done_ < keys_.size();
}

void KeysEncoder::record(std::string_view key, const RecordView& record) {
  stream::append(piece_, stream::Record{key, record});
  shown_ = true;
}

void KeysEncoder::deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) {
  stream::append(piece_, stream::Deleted{key, version, hold_until_s});
  shown_ = true;
}

}  // namespace flare
