#include "flared/storage/memory_storage.h"

#include "flared/storage/log_codec.h"

namespace flare {
namespace {

std::string record_bytes(std::uint32_t flags, std::int64_t expire_s, RecordVersion version, std::string_view head,
                         std::string_view tail) {
  const auto header = encode_record_header(flags, expire_s, version, head.size() + tail.size());
  std::string bytes{header.data(), header.size()};
  bytes += head;
  bytes += tail;
  return bytes;
}

std::string encoded(const LogEntry& entry) {
  std::string bytes(encoded_bytes(entry), '\0');
  encode_entry(entry, bytes.data());
  return bytes;
}

// What is there for a key.
Present present_in(const std::map<std::string, std::string, std::less<>>& records, const Deletions& deletions,
                   std::string_view key) {
  if (const auto found = records.find(key); found != records.end()) return {.record = decode_record(found->second)};
  const auto remembered = deletions.find(key).value_or(Deletions::Deletion{});
  return {
      .record = std::nullopt, .remembered_version = remembered.version, .remembered_until_s = remembered.hold_until_s};
}

}  // namespace

class MemoryStorage::MemoryScan final : public Scan {
 public:
  explicit MemoryScan(MemoryStorage& storage)
      : storage_(storage),
        generation_(storage.generation_),
        position_(storage.position()),
        epochs_(storage.epochs_),
        records_(storage.records_),
        at_(records_.begin()) {}

  Position position() const override { return position_; }
  EpochTable epochs() const override { return epochs_; }
  std::uint64_t expected_items() const override { return records_.size(); }

  Result<bool, StorageError> next_slice(RecordSink& sink) override {
    {
      const std::lock_guard lock{storage_.mutex_};
      if (storage_.generation_ != generation_) return StorageError::aborted;
    }
    const auto show = [&sink](std::string_view key, const Deletions::Deletion& deletion) {
      sink.deletion(key, deletion.version, deletion.hold_until_s);
    };
    if (!std::exchange(deletions_done_, true)) storage_.deletions_.visit(0, storage_.deletions_max_, show);
    for (int records = 0; records < 100 && at_ != records_.end(); ++records, ++at_) {
      if (const auto record = decode_record(at_->second)) sink.record(at_->first, *record);
    }
    return at_ != records_.end();
  }

 private:
  MemoryStorage& storage_;
  const std::uint64_t generation_;
  const Position position_;
  const EpochTable epochs_;
  const Records records_;
  Records::const_iterator at_;
  bool deletions_done_ = false;
};

class MemoryStorage::MemoryReplacement final : public Replacement {
 public:
  explicit MemoryReplacement(MemoryStorage& storage) : storage_(storage) {}

  Result<void, StorageError> put(std::string_view key, const RecordView& record) override {
    deletions_.forget(key);
    records_[std::string{key}] = record_bytes(record.flags, record.expire_s, record.version, record.data, {});
    return {};
  }

  void put_deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) override {
    deletions_.remember(key, {version, hold_until_s});
  }

  Result<void, StorageError> put_newer(std::string_view key, const RecordView& record) override {
    const std::lock_guard lock{mutex_};
    change(key, decide_dumped(record, present(key)));
    return {};
  }

  Result<Outcome, StorageError> execute(const Operation& operation, std::int64_t now_s) override {
    const std::lock_guard lock{mutex_};
    NumberText number;
    const auto decision = decide(operation, present(operation.key), now_s, storage_.data_bytes_max_, number);
    change(operation.key, decision.change);
    return decision.outcome;
  }

  Result<void, StorageError> commit(const Position& position, const EpochTable& epochs) override {
    const std::lock_guard lock{storage_.mutex_};
    storage_.empty();
    storage_.records_ = std::move(records_);
    storage_.deletions_.replace_by(deletions_);
    storage_.recount();
    storage_.log_id_ = position.log_id;
    storage_.epoch_ = storage_.last_epoch_ = position.epoch;
    storage_.epochs_ = epochs;
    storage_.log_.clear();
    storage_.inexact_ = {};
    storage_.dropped_ = storage_.written_ = position.sequence;
    return {};
  }

 private:
  Present present(std::string_view key) const { return present_in(records_, deletions_, key); }

  void change(std::string_view key, const Change& change) {
    if (change.kind == ChangeKind::none) return;
    if (change.kind == ChangeKind::remove || change.kind == ChangeKind::remember) {
      records_.erase(std::string{key});
      deletions_.remember(key, {change.version, change.hold_until_s});
      return;
    }
    deletions_.forget(key);
    records_[std::string{key}] = record_bytes(change.flags, change.expire_s, change.version, change.head, change.tail);
  }

  MemoryStorage& storage_;
  std::mutex mutex_;
  Records records_;
  Deletions deletions_{storage_.deletions_max_};
};

Result<bool, StorageError> MemoryStorage::get(std::string_view key, std::int64_t now_s, RecordSink& sink) {
  const std::lock_guard lock{mutex_};
  const auto found = records_.find(key);
  if (found == records_.end()) return false;
  const auto record = decode_record(found->second);
  if (!record) return StorageError::damaged;
  if (record->expired(now_s)) return false;
  sink.record(found->first, *record);
  return true;
}

Present MemoryStorage::present(std::string_view key) const {
  auto present = present_in(records_, deletions_, key);
  present.version_floor = version_floor_;
  return present;
}

Result<Outcome, StorageError> MemoryStorage::execute(const Operation& operation, std::int64_t now_s, RecordSink* sink) {
  if (operation.data.size() > data_bytes_max_) return Outcome{.kind = OutcomeKind::too_large};
  const std::lock_guard lock{mutex_};
  NumberText number;
  const auto decision = decide(operation, present(operation.key), now_s, data_bytes_max_, number);
  const auto& change = decision.change;
  const auto tell = [&] {  // before the record is replaced: what is shown may lie in it
    if (sink == nullptr) return;
    sink->executed(operation.key, decision.outcome);
    if (decision.shown) sink->record(operation.key, *decision.shown);
  };
  switch (change.kind) {
    case ChangeKind::none:
      tell();
      break;
    case ChangeKind::store:
    case ChangeKind::touch: {
      auto bytes = record_bytes(change.flags, change.expire_s, change.version, change.head, change.tail);
      if (const auto refused = reserve(operation, bytes.size())) return *refused;
      log_entry({.kind = change.kind == ChangeKind::touch ? EntryKind::touch : EntryKind::set,
                 .epoch = epoch_,
                 .sequence = next(position().sequence),
                 .key = operation.key,
                 .version = change.version,
                 .flags = change.flags,
                 .expire_s = change.expire_s,
                 .data = std::string_view{bytes}.substr(record_header_bytes)});
      tell();
      store(operation.key, std::move(bytes));
      break;
    }
    case ChangeKind::remove:
    case ChangeKind::remember:
      log_entry({.kind = EntryKind::remove,
                 .epoch = epoch_,
                 .sequence = next(position().sequence),
                 .key = operation.key,
                 .version = change.version,
                 .expire_s = change.hold_until_s,
                 .data = {}});
      tell();
      deletions_.remember(operation.key, {change.version, change.hold_until_s});
      records_.erase(std::string{operation.key});
      recount();
      break;
  }
  return decision.outcome;
}

std::optional<StorageError> MemoryStorage::reserve(const Operation& operation, std::size_t new_bytes) {
  if (!operation.limited) return std::nullopt;
  const auto found = records_.find(operation.key);
  const bool is_new = found == records_.end();
  const auto old_bytes = is_new ? 0 : operation.key.size() + found->second.size();
  const auto growth = static_cast<std::int64_t>(operation.key.size() + new_bytes - old_bytes);
  const auto refusal = quota_.reserve(operation.key, is_new ? 1 : 0, growth);  // `store` counts anew
  if (refusal) return storage_error(*refusal);
  return std::nullopt;
}

// A model may be slow.
void MemoryStorage::recount() {
  std::size_t bytes = 0;
  quota_.prefixes().begin_count();
  for (const auto& [key, record] : records_) {
    bytes += key.size() + record.size();
    quota_.prefixes().add(key, 1, static_cast<std::int64_t>(key.size() + record.size()));
  }
  quota_.recounted(records_.size(), bytes);
}

void MemoryStorage::limit(const StoreLimits& limits) {
  const std::lock_guard lock{mutex_};
  quota_.set_limits(limits);
  recount();
}

void MemoryStorage::limit_prefixes(const std::vector<PrefixLimit>& limits) {
  const std::lock_guard lock{mutex_};
  quota_.prefixes().set(limits);
  recount();
}

void MemoryStorage::store(std::string_view key, std::string bytes) {
  deletions_.forget(key);
  records_[std::string{key}] = std::move(bytes);
  recount();
}

void MemoryStorage::log_entry(LogEntry entry) {
  log_.push_back(encoded(entry));
  epoch_ = last_epoch_ = entry.epoch;
  note_epoch(epochs_, entry.epoch, entry.sequence);
}

Result<void, StorageError> MemoryStorage::write_log() {
  {
    const std::lock_guard lock{mutex_};
    const auto last = position().sequence;
    if (written_ == last) return {};
    written_ = last;
    ++figures_.log_writes;
  }
  const std::lock_guard lock{listener_mutex_};
  if (listener_) listener_();
  return {};
}

Result<void, StorageError> MemoryStorage::apply(const LogEntry& entry) {
  const std::lock_guard lock{mutex_};
  if (entry.sequence != next(position().sequence) || entry.epoch < epoch_) return StorageError::sequence_gap;
  log_entry(entry);
  change(entry);
  return {};
}

void MemoryStorage::change(const LogEntry& entry) {
  switch (entry.kind) {
    case EntryKind::set:
    case EntryKind::touch:
      store(entry.key, record_bytes(entry.flags, entry.expire_s, entry.version, entry.data, {}));
      break;
    case EntryKind::remove:
      deletions_.remember(entry.key, {entry.version, entry.expire_s});
      records_.erase(std::string{entry.key});
      recount();
      break;
    case EntryKind::flush:
      empty();
      break;
  }
}

void MemoryStorage::empty() {
  records_.clear();
  deletions_.clear();
  recount();
  ++generation_;
}

Result<void, StorageError> MemoryStorage::flush() {
  {
    const std::lock_guard lock{mutex_};
    log_entry(
        {.kind = EntryKind::flush, .epoch = epoch_, .sequence = next(position().sequence), .key = {}, .data = {}});
    empty();
  }
  return write_log();
}

Result<void, StorageError> MemoryStorage::set_epoch(Epoch epoch) {
  const std::lock_guard lock{mutex_};
  epoch_ = std::max(epoch_, epoch);
  return {};
}

Position MemoryStorage::position() const {
  const std::lock_guard lock{mutex_};
  return {.log_id = log_id_, .epoch = last_epoch_, .sequence = Sequence{raw(dropped_) + log_.size()}};
}

Sequence MemoryStorage::written_sequence() const {
  const std::lock_guard lock{mutex_};
  return written_;
}

EpochTable MemoryStorage::epochs() const {
  const std::lock_guard lock{mutex_};
  return epochs_;
}

Result<Sequence, StorageError> MemoryStorage::read_log(Sequence after, std::size_t bytes_max, std::string& out) const {
  const std::lock_guard lock{mutex_};
  if (after >= written_) return after;
  if (after < dropped_) return StorageError::too_old;
  const auto from = out.size();
  while (after < written_) {
    const auto& bytes = log_[raw(after) - raw(dropped_)];
    if (out.size() > from && out.size() - from + bytes.size() > bytes_max) break;
    out += bytes;
    after = next(after);
  }
  return after;
}

void MemoryStorage::on_log_written(std::function<void()> listener) {
  const std::lock_guard lock{listener_mutex_};
  listener_ = std::move(listener);
}

Result<void, StorageError> MemoryStorage::look(std::string_view key, RecordSink& sink) {
  const std::lock_guard lock{mutex_};
  if (const auto found = records_.find(key); found != records_.end()) {
    const auto record = decode_record(found->second);
    if (!record) return StorageError::damaged;
    sink.record(key, *record);
  } else if (const auto remembered = deletions_.find(key)) {
    sink.deletion(key, remembered->version, remembered->hold_until_s);
  }
  return {};
}

Result<void, StorageError> MemoryStorage::correct(const Correction& correction) {
  const std::lock_guard lock{mutex_};
  const auto& common = correction.common;
  if (common.log_id != log_id_ || common.sequence < dropped_ || common.sequence > position().sequence) {
    return StorageError::sequence_gap;
  }
  log_.resize(raw(common.sequence) - raw(dropped_));
  written_ = common.sequence;
  epoch_ = last_epoch_ = common.epoch;
  std::erase_if(epochs_, [&](const EpochEnd& end) { return end.epoch > common.epoch; });
  if (!epochs_.empty()) epochs_.back().last = std::min(epochs_.back().last, common.sequence);
  for (const auto& entry : entries_of(correction)) change(entry);
  inexact_ = inexact_keys_of(correction);
  ++generation_;
  return {};
}

std::vector<std::string> MemoryStorage::inexact_keys() const {
  const std::lock_guard lock{mutex_};
  return position().sequence < inexact_.exact_at ? inexact_.keys : std::vector<std::string>{};
}

Result<std::unique_ptr<Scan>, StorageError> MemoryStorage::begin_scan() {
  std::ignore = write_log();
  const std::lock_guard lock{mutex_};
  ++figures_.snapshots_taken;
  return std::unique_ptr<Scan>{std::make_unique<MemoryScan>(*this)};
}

Result<std::unique_ptr<Replacement>, StorageError> MemoryStorage::begin_replacement(std::uint64_t) {
  return std::unique_ptr<Replacement>{std::make_unique<MemoryReplacement>(*this)};
}

StorageFigures MemoryStorage::figures() const {
  const std::lock_guard lock{mutex_};
  auto figures = figures_;
  figures.items = records_.size();
  for (const auto& [key, bytes] : records_) figures.file_bytes += key.size() + bytes.size();
  for (const auto& bytes : log_) figures.log_bytes += bytes.size();
  return figures;
}

Result<void, StorageError> MemoryStorage::close() { return write_log(); }

void MemoryStorage::drop_log(Sequence last) {
  const std::lock_guard lock{mutex_};
  while (dropped_ < last && !log_.empty()) {
    log_.pop_front();
    dropped_ = next(dropped_);
  }
}

}  // namespace flare
