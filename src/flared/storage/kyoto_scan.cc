#include "flared/storage/kyoto_scan.h"

#include "flared/storage/kyoto_visitors.h"

namespace flare {
namespace {

// design.md 2: workers wait for one slice at most.
constexpr int slice_records_max = 100;
constexpr std::chrono::milliseconds slice_max{1};

}  // namespace

Result<std::unique_ptr<Scan>, StorageError> KyotoStorage::begin_scan() {
  Result<std::unique_ptr<Scan>, StorageError> scan = StorageError::io;
  {
    const Gate::Slice alone{gate_};
    if (!readable() && !checkpoint_locked()) return StorageError::io;
    if (const auto written = log_->write(); !written) return written.error();
    scan = KyotoScan::begin_locked(*this);
    ++snapshots_;
  }
  tell_listener();
  return scan;
}

KyotoStorage::KyotoScan::KyotoScan(KyotoStorage& storage)
    : storage_(storage),
      store_(storage.store_),
      generation_(storage.generation_),
      position_(storage.log_->position()),
      epochs_(storage.log_->epochs()),
      expected_items_(static_cast<std::uint64_t>(std::max<std::int64_t>(0, store_->db().count()))),
      pin_(storage.log_->pin(position_.sequence)),
      cursor_(&store_->db()),
      deletions_end_(storage.deletions_.last_number()) {
  ++storage_.scans_;
}

Result<std::unique_ptr<Scan>, StorageError> KyotoStorage::KyotoScan::begin_locked(KyotoStorage& storage) {
  std::unique_ptr<KyotoScan> scan{new KyotoScan{storage}};
  if (!scan->cursor_.jump()) {
    if (scan->store_->db().error() != kyotocabinet::BasicDB::Error::NOREC) return StorageError::io;
    scan->done_ = true;
  }
  return std::unique_ptr<Scan>{std::move(scan)};
}

// Deletions before records: whoever stores what it is shown, in this order, ends with the newer of the two.
bool KyotoStorage::KyotoScan::next_deletions(RecordSink& sink) {
  if (deletions_done_) return false;
  const auto last = storage_.deletions_.visit(last_deletion_, slice_records_max,
                                              [&sink](std::string_view key, const Deletions::Deletion& deletion) {
                                                sink.deletion(key, deletion.version, deletion.hold_until_s);
                                              });
  deletions_done_ = !last || *last >= deletions_end_;  // not those that come meanwhile: they may come faster
  last_deletion_ = last.value_or(last_deletion_);
  return !deletions_done_;
}

Result<bool, StorageError> KyotoStorage::KyotoScan::next_slice(RecordSink& sink) {
  const Gate::Slice alone{storage_.gate_};
  if (storage_.generation_ != generation_ || !storage_.readable()) return StorageError::aborted;
  if (next_deletions(sink)) return true;
  if (done_) return false;
  ScanVisitor visitor{sink};
  const auto end = std::chrono::steady_clock::now() + slice_max;
  for (int records = 0; records < slice_records_max && std::chrono::steady_clock::now() < end; ++records) {
    if (cursor_.accept(&visitor, false, true)) {
      if (visitor.damaged_key()) return storage_.met_damage(*visitor.damaged_key());
      continue;
    }
    const auto error = store_->db().error();
    if (error == kyotocabinet::BasicDB::Error::BROKEN) return storage_.met_damage("(unknown)");
    if (error != kyotocabinet::BasicDB::Error::NOREC) return StorageError::io;
    done_ = true;
    break;
  }
  seen_items_ += visitor.records();
  return done_ ? end_of_scan() : true;
}

// daemons.md 3.5: never a short scan that ends as if it were whole. While others write, the count is no measure.
Result<bool, StorageError> KyotoStorage::KyotoScan::end_of_scan() {
  const bool untouched = storage_.log_->last() == position_.sequence;
  if (untouched && seen_items_ != expected_items_) return storage_.met_damage("(unknown)");
  return false;
}

}  // namespace flare
