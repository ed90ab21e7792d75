#include "flared/storage/kyoto_visitors.h"

#include <algorithm>

#include "flared/storage/bytes.h"

namespace flare {
namespace {

constexpr std::size_t scratch_bytes_kept_max = 1024 * 1024;

struct Growth {
  std::int64_t items;
  std::int64_t bytes;
};

// Of the store, when a record's value changes from so many bytes to so many; nullopt: there is no record.
Growth change_of(std::string_view key, std::optional<std::size_t> before, std::optional<std::size_t> after) {
  const auto bytes = [&](std::optional<std::size_t> value) {
    return value ? static_cast<std::int64_t>(key.size() + *value) : 0;
  };
  return {(after ? 1 : 0) - (before ? 1 : 0), bytes(after) - bytes(before)};
}

StorageError space_failure(int error) {
  return means_out_of_space(error) ? StorageError::out_of_space : StorageError::io;
}

// A set in the place of a damaged record must not begin at 1 again: slaves and originals keep what is not newer, and a
// client's cas would be fooled by a version that it has seen. What the header shows counts if it can be one; at least
// more than any counting has reached: a million for each second since 1970.
RecordVersion version_of_damaged(std::string_view bytes, std::int64_t now_s) {
  constexpr std::size_t version_at = 20;
  constexpr int versions_per_second_bits = 20;
  constexpr std::uint64_t shown_max = std::uint64_t{1} << 62;
  const auto floor = static_cast<std::uint64_t>(now_s) << versions_per_second_bits;
  if (bytes.size() < record_header_bytes) return RecordVersion{floor};
  const auto shown = get_number<std::uint64_t>(bytes.data() + version_at);
  return RecordVersion{shown <= shown_max ? std::max(shown, floor) : floor};
}

}  // namespace

std::string_view compose_record(std::uint32_t flags, std::int64_t expire_s, RecordVersion version,
                                std::string_view head, std::string_view tail) {
  // One for each thread and not for each storage: a thread is inside one visit at a time.
  thread_local std::string scratch;
  if (scratch.capacity() > scratch_bytes_kept_max) scratch = std::string{};
  const auto header = encode_record_header(flags, expire_s, version, head.size() + tail.size());
  scratch.reserve(header.size() + head.size() + tail.size());
  scratch.assign(header.data(), header.size());
  scratch += head;
  scratch += tail;
  return scratch;
}

const char* ReadVisitor::visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                                    std::size_t*) {
  const auto record = decode_record({value, value_bytes});
  damaged_ = !record;
  if (record && !record->expired(now_s_)) {
    found_ = true;
    sink_.record({key, key_bytes}, *record);
  }
  return NOP;
}

const char* ExecuteVisitor::visit_full(const char*, std::size_t, const char* value, std::size_t value_bytes,
                                       std::size_t* new_bytes) {
  const auto record = decode_record({value, value_bytes});
  old_bytes_ = value_bytes;
  if (!record && context_.operation.kind != OperationKind::set) {
    result_ = StorageError::damaged;
    return NOP;
  }
  if (record) return decide_on({.record = record}, new_bytes);
  return decide_on(
      {.record = std::nullopt, .remembered_version = version_of_damaged({value, value_bytes}, context_.now_s)},
      new_bytes);
}

const char* ExecuteVisitor::visit_empty(const char* key, std::size_t key_bytes, std::size_t* new_bytes) {
  const auto remembered = context_.deletions.find({key, key_bytes}).value_or(Deletions::Deletion{});
  return decide_on(
      {.record = std::nullopt, .remembered_version = remembered.version, .remembered_until_s = remembered.hold_until_s},
      new_bytes);
}

const char* ExecuteVisitor::decide_on(Present present, std::size_t* new_bytes) {
  present.version_floor = context_.version_floor;
  NumberText number;
  const auto decision = decide(context_.operation, present, context_.now_s, context_.data_bytes_max, number);
  result_ = decision.outcome;
  const char* written = NOP;
  switch (decision.change.kind) {
    case ChangeKind::none:
      break;
    case ChangeKind::store:
    case ChangeKind::touch:
      written = store(decision.change, new_bytes);
      break;
    case ChangeKind::remove:
    case ChangeKind::remember:
      written = remove(decision.change);
      break;
  }
  tell(context_.operation.key, decision);
  return written;
}

void ExecuteVisitor::tell(std::string_view key, const Decision& decision) {
  if (!result_ || context_.sink == nullptr) return;  // refused or failed: nothing came of it
  context_.sink->executed(key, decision.outcome);
  if (decision.shown) context_.sink->record(key, *decision.shown);
}

const char* ExecuteVisitor::store(const Change& change, std::size_t* new_bytes) {
  const auto bytes = compose_record(change.flags, change.expire_s, change.version, change.head, change.tail);
  const auto growth = change_of(context_.operation.key, old_bytes_, bytes.size());
  if (!claim(context_.operation.key.size() + bytes.size())) return NOP;
  if (!reserve(growth.items, growth.bytes)) return NOP;
  if (!log_entry({.kind = change.kind == ChangeKind::touch ? EntryKind::touch : EntryKind::set,
                  .key = context_.operation.key,
                  .version = change.version,
                  .flags = change.flags,
                  .expire_s = change.expire_s,
                  .data = bytes.substr(record_header_bytes)})) {
    context_.quota.add(context_.operation.key, -growth.items, -growth.bytes);
    return NOP;
  }
  context_.quota.note_expiry(change.expire_s);
  context_.deletions.forget(context_.operation.key);
  record_bytes_ = bytes.size();
  *new_bytes = bytes.size();
  return bytes.data();
}

const char* ExecuteVisitor::remove(const Change& change) {
  if (change.kind == ChangeKind::remove && !claim(0)) return NOP;
  if (!log_entry({.kind = EntryKind::remove,
                  .key = context_.operation.key,
                  .version = change.version,
                  .expire_s = change.hold_until_s,
                  .data = {}})) {
    return NOP;
  }
  context_.deletions.remember(context_.operation.key, {change.version, change.hold_until_s});
  const auto growth = change_of(context_.operation.key, old_bytes_, std::nullopt);
  context_.quota.add(context_.operation.key, growth.items, growth.bytes);
  return change.kind == ChangeKind::remove ? REMOVE : NOP;
}

// Before the log (docs/security.md), and before the record is touched.
bool ExecuteVisitor::reserve(std::int64_t items, std::int64_t bytes) {
  if (!context_.operation.limited) {
    context_.quota.add(context_.operation.key, items, bytes);
    return true;
  }
  const auto refusal = context_.quota.reserve(context_.operation.key, items, bytes);
  if (refusal) result_ = storage_error(*refusal);
  return !refusal;
}

// design.md 3.8: what the present record adds (append, touch) is known only here.
bool ExecuteVisitor::claim(std::size_t record_bytes) {
  if (context_.space.covers(record_bytes)) return true;
  result_ = space_failure(context_.space.error());
  if (context_.space.error() == 0) wanted_room_ = record_bytes;
  return false;
}

bool ExecuteVisitor::log_entry(const LogEntry& entry) {
  const auto given = context_.log.append(entry);
  changes_ = given.has_value();
  if (!given) result_ = given.error();
  return changes_;
}

const char* ApplyVisitor::visit_full(const char* key, std::size_t key_bytes, const char*, std::size_t value_bytes,
                                     std::size_t* new_bytes) {
  return apply({key, key_bytes}, value_bytes, new_bytes);
}

const char* ApplyVisitor::apply(std::string_view key, std::optional<std::size_t> old_bytes, std::size_t* new_bytes) {
  const bool removes = entry_.kind == EntryKind::remove;
  if (space_.error() != 0) result_ = space_failure(space_.error());
  if (space_.error() == 0) result_ = log_ != nullptr ? log_->append_numbered(entry_) : Result<void, StorageError>{};
  if (!result_) return NOP;
  if (removes) {
    deletions_.remember(key, {entry_.version, entry_.expire_s});
    const auto growth = change_of(key, old_bytes, std::nullopt);
    quota_.add(key, growth.items, growth.bytes);
    return REMOVE;  // of nothing is nothing
  }
  deletions_.forget(key);
  const auto bytes = compose_record(entry_.flags, entry_.expire_s, entry_.version, entry_.data, {});
  const auto growth = change_of(key, old_bytes, bytes.size());
  quota_.add(key, growth.items, growth.bytes);
  quota_.note_expiry(entry_.expire_s);
  *new_bytes = bytes.size();
  return bytes.data();
}

const char* ApplyVisitor::visit_empty(const char* key, std::size_t key_bytes, std::size_t* new_bytes) {
  return apply({key, key_bytes}, std::nullopt, new_bytes);
}

const char* LookVisitor::visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                                    std::size_t*) {
  const auto record = decode_record({value, value_bytes});
  damaged_ = !record;
  if (record) sink_.record({key, key_bytes}, *record);
  return NOP;
}

const char* LookVisitor::visit_empty(const char* key, std::size_t key_bytes, std::size_t*) {
  if (const auto remembered = deletions_.find({key, key_bytes})) {
    sink_.deletion({key, key_bytes}, remembered->version, remembered->hold_until_s);
  }
  return NOP;
}

const char* ScanVisitor::visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                                    std::size_t*) {
  const auto record = decode_record({value, value_bytes});
  ++records_;
  if (record) sink_.record({key, key_bytes}, *record);
  if (!record) damaged_key_ = std::string{key, key_bytes};
  return NOP;
}

}  // namespace flare
