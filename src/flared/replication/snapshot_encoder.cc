#include "flared/replication/snapshot_encoder.h"

#include <utility>

namespace flare {

namespace {

constexpr std::size_t piece_bytes_max = 64 * 1024;

}  // namespace

void SnapshotEncoder::record(std::string_view key, const RecordView& record) {
  stream::append(piece_, stream::Record{key, record});
  ++records_;
}

void SnapshotEncoder::deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) {
  stream::append(piece_, stream::Deleted{key, version, hold_until_s});
  ++records_;
}

Result<bool, StorageError> SnapshotEncoder::gather(Scan& scan) {
  piece_.clear();
  records_ = 0;
  while (piece_.size() < piece_bytes_max) {
    const auto more = scan.next_slice(*this);
    if (!more || !*more) return more;
  }
  return true;
}

bool SnapshotEncoder::keep(const std::function<bool(std::string_view key)>& wanted) {
  stream::Decoder decoder{piece_.size()};
  std::string_view left{piece_};
  std::string kept;
  records_ = 0;
  while (!left.empty()) {
    const auto decoded = decoder.next(left);
    if (!decoded || !*decoded) return false;
    const auto& message = (*decoded)->message;
    const auto* deleted = std::get_if<stream::Deleted>(&message);
    if (!wanted(deleted ? deleted->key : std::get<stream::Record>(message).key)) continue;
    kept.append((*decoded)->raw);
    ++records_;
  }
  piece_ = std::move(kept);
  return true;
}

std::string_view SnapshotEncoder::take() {
  checksum_.add(piece_);
  count_ += records_;
  return piece_;
}

}  // namespace flare
