#include "flared/storage/kyoto_rewrite.h"

#include <fcntl.h>

#include "flared/storage/kyoto_scan.h"
#include "flared/storage/log_codec.h"

namespace flare {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t chunk_bytes_max = 256 * 1024;
// What is left of the log when the gate is closed for the swap, about a millisecond's work.
constexpr std::uint64_t rest_entries_max = 1000;
constexpr std::size_t rest_bytes_max = 256 * 1024;
// For scans to end, which the swap would break off: meanwhile it follows the log.
constexpr std::chrono::minutes swap_patience{10};
constexpr std::chrono::milliseconds swap_pause{20};
constexpr int percent_copied = 95;

// A slice's records, as entries of a log: they are stored when the gate is open again.
class ChunkSink final : public RecordSink {
 public:
  explicit ChunkSink(std::string& chunk) : chunk_(chunk) {}
  void record(std::string_view key, const RecordView& record) override {
    const LogEntry entry{
        .key = key, .version = record.version, .flags = record.flags, .expire_s = record.expire_s, .data = record.data};
    too_long_ = too_long_ || key.size() > log_key_bytes_max || record.data.size() > log_data_bytes_max;
    if (too_long_) return;
    chunk_.resize(chunk_.size() + encoded_bytes(entry));
    encode_entry(entry, chunk_.data() + chunk_.size() - encoded_bytes(entry));
    ++records;
  }
  bool too_long() const { return too_long_; }
  std::uint64_t records = 0;

 private:
  std::string& chunk_;
  bool too_long_ = false;
};

}  // namespace

Result<void, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::run() {
  if (const auto begun = begin(); !begun) return begun;
  if (const auto copied = copy(); !copied) return copied;
  reached(RewriteStep::copied);
  if (const auto followed = catch_up(true); !followed) return followed;
  // Before it takes the name: a stop of the machine must find the records that nobody writes in it (design.md 3.6).
  if (fresh_->sync() != 0) return End::failed;
  reached(RewriteStep::synced);
  if (const auto followed = catch_up(true); !followed) return followed;
  reached(RewriteStep::caught_up);
  return swap();
}

Result<void, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::begin() {
  const auto shape = storage_.shape();
  auto options = storage_.options_;
  options.deletions_max = 0;  // the storage's table stays
  options.reserve = storage_.rewrite_reserve_;
  std::error_code error;
  const auto disk = std::filesystem::space(options.data_dir, error);
  const auto records = room_of_records(shape.items, shape.live_bytes.value_or(shape.used_bytes), shape.alignment_bytes);
  if (error || disk.available < records) return End::no_space;
  auto fresh = FreshStore::begin(storage_.path("flare.kch.rewrite"), std::move(options), shape.items);
  if (!fresh) return fresh.error().no_room ? End::no_space : End::failed;
  fresh_ = std::move(*fresh);
  return {};
}

Result<void, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::copy() {
  std::unique_ptr<Scan> scan;
  {
    const Gate::Slice alone{storage_.gate_};
    if (storage_.health_ != Health::good || !storage_.log_->write()) return End::given_up;
    generation_ = storage_.generation_;
    log_ = storage_.log_;
    auto begun = KyotoScan::begin_locked(storage_);
    if (!begun) return End::failed;
    scan = std::move(*begun);
    applied_ = scan->position().sequence;
    pin_ = log_->pin(applied_);
  }
  storage_.tell_listener();
  const auto expected = std::max<std::uint64_t>(1, scan->expected_items());
  std::uint64_t records = 0;
  for (bool more = true; more;) {
    const auto begun = steady_clock::now();
    chunk_.clear();
    ChunkSink sink{chunk_};
    const auto slice = scan->next_slice(sink);
    if (!slice) return slice.error() == StorageError::damaged ? End::damaged : End::given_up;
    if (sink.too_long()) return End::damaged;
    if (const auto applied = apply_chunk(); !applied) return applied;
    more = *slice;
    records += sink.records;
    storage_.rewrite_percent_ = static_cast<int>(std::min(records, expected) * percent_copied / expected);
    if (const auto going = go_on(steady_clock::now() - begun); !going) return going;
  }
  return {};
}

Result<void, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::apply_chunk() {
  for (std::string_view rest = chunk_; !rest.empty();) {
    const auto decoded = decode_entry(rest);
    if (!decoded) return End::failed;
    if (decoded->entry.kind == EntryKind::flush) return End::given_up;
    const auto applied = fresh_->apply(decoded->entry);
    if (!applied) return applied.error() == StorageError::out_of_space ? End::no_space : End::failed;
    rest.remove_prefix(decoded->bytes);
  }
  return {};
}

// False: it has all that was written.
Result<bool, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::apply_next(std::size_t bytes_max) {
  chunk_.clear();
  const auto read = log_->read(applied_, bytes_max, chunk_);
  if (!read) return read.error() == StorageError::too_old ? End::log_gone : End::failed;
  if (chunk_.empty()) return false;
  if (const auto applied = apply_chunk(); !applied) return applied.error();
  applied_ = *read;
  pin_ = log_->pin(applied_);
  return true;
}

// Gently: half of the time, until it is near.
Result<void, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::catch_up(bool gently) {
  while (true) {
    const auto begun = steady_clock::now();
    const auto applied = apply_next(chunk_bytes_max);
    if (!applied) return applied.error();
    if (!*applied || (gently && chunk_.size() < chunk_bytes_max / 2)) return {};
    if (void_now() || storage_.disk_full_) return storage_.disk_full_ ? End::no_space : End::given_up;
    if (!pause_(gently ? steady_clock::now() - begun : steady_clock::duration{})) return End::given_up;
  }
}

Result<void, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::go_on(RewriteThread::Duration worked) {
  if (void_now()) return End::given_up;
  if (storage_.disk_full_) return End::no_space;  // a writer needs the room
  if (!pause_(worked * (storage_.options_.rewrite_pace.share_of_time - 1))) return End::given_up;
  return {};
}

Result<void, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::swap() {
  const auto until = steady_clock::now() + swap_patience;
  while (steady_clock::now() < until) {
    if (const auto followed = catch_up(false); !followed) return followed;
    const auto swapped = try_to_swap();
    if (!swapped) return swapped.error();
    if (*swapped) return {};
    if (!pause_(storage_.scans_ > 0 ? swap_pause : RewriteThread::Duration{})) return End::given_up;
  }
  return End::busy;
}

// False: not now.
Result<bool, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::try_to_swap() {
  FileDescriptor old_file;  // the last of it: its blocks are given back when the gate is open again
  Result<bool, End> swapped = false;
  {
    const std::lock_guard alone{storage_.gate_};
    if (void_now()) return End::given_up;
    const bool near = raw(log_->last()) - raw(applied_) <= rest_entries_max;
    if (!near || storage_.scans_ > 0) return false;
    const auto begun = steady_clock::now();
    swapped = swap_locked(old_file);
    stood_still_ = steady_clock::now() - begun;
  }
  storage_.tell_listener();
  if (!swapped || !*swapped) return swapped;
  if (const int error = sync_folder(storage_.options_.data_dir)) {
    storage_.logger_.warning("{}: cannot be synced: {}", storage_.options_.data_dir.string(), error_text(error));
  }
  return true;
}

// With the gate held exclusively. The old store is committed, and goes on if the new one does not come.
Result<bool, KyotoStorage::Rewrite::End> KyotoStorage::Rewrite::swap_locked(FileDescriptor& old_file) {
  if (!storage_.commit_locked()) return End::given_up;
  const auto ready = [this]() -> Result<bool, End> {
    if (void_now() || storage_.health_ != Health::good) return End::given_up;  // repaired just now
    for (std::size_t bytes = 0; applied_ < log_->last(); bytes += chunk_.size()) {
      if (bytes > rest_bytes_max) return false;
      const auto applied = apply_next(chunk_bytes_max);
      if (!applied) return applied;
      if (!*applied) return End::failed;
    }
    // The scan counts only where nobody writes: a record must not vanish without a word (daemons.md 3.5).
    const auto items = static_cast<std::uint64_t>(std::max<std::int64_t>(0, storage_.store_->db().count()));
    if (fresh_->items() == items) return true;
    std::ignore = storage_.met_damage("(unknown)");
    return End::damaged;
  }();
  const bool closed = ready && *ready && fresh_->close({.log_id = log_->log_id(), .sequence = log_->last()});
  if (!closed) {
    if (storage_.health_ != Health::failed) std::ignore = storage_.begin_locked();
    return ready && *ready ? Result<bool, End>{End::failed} : ready;
  }
  return storage_.swap_in_rewritten(*fresh_, old_file) ? Result<bool, End>{true} : Result<bool, End>{End::failed};
}

void KyotoStorage::Rewrite::reached(RewriteStep step) const {
  if (storage_.options_.at_rewrite_step) storage_.options_.at_rewrite_step(step);
}

// A kill between any two steps leaves a store that the log fits: both are at its end.
bool KyotoStorage::swap_in_rewritten(FreshStore& fresh, FileDescriptor& old_file) {
  const auto reached = [this](RewriteStep step) {
    if (options_.at_rewrite_step) options_.at_rewrite_step(step);
  };
  ++generation_;
  if (!store_->close()) return fail("closing the store that was rewritten");
  reached(RewriteStep::closed);
  old_file = FileDescriptor{::open(path("flare.kch").c_str(), O_RDONLY | O_CLOEXEC)};
  if (fresh.take_name(path("flare.kch")) != 0) return fail("swapping in the rewritten store");
  reached(RewriteStep::renamed);
  const bool opened = open_swapped() || health_ == Health::full;
  reached(RewriteStep::opened);
  if (opened) quota_.measured(fresh.bytes());
  return opened;
}

}  // namespace flare
