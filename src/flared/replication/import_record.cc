#include "flared/replication/import_record.h"

namespace flare {

namespace {

// A version too far above the present one is refused to clients (design.md 1): such a write is numbered anew.
Result<OutcomeKind, StorageError> execute(Storage& storage, Operation operation, std::int64_t now_s) {
  auto outcome = storage.execute(operation, now_s, nullptr);
  if (outcome && outcome->kind == OutcomeKind::version_too_high) {
    operation.version = RecordVersion{0};
    outcome = storage.execute(operation, now_s, nullptr);
  }
  if (!outcome) return outcome.error();
  return outcome->kind;
}

Result<void, StorageError> only_failure(const Result<OutcomeKind, StorageError>& outcome) {
  if (!outcome) return outcome.error();
  return {};
}

}  // namespace

Result<void, StorageError> import_record(Storage& storage, const stream::Record& record, std::int64_t now_s) {
  const auto& [flags, expire_s, version, data] = record.record;
  const Operation set{.kind = OperationKind::set,
                      .key = record.key,
                      .data = data,
                      .flags = flags,
                      .expire_s = expire_s,
                      .version = version};
  return only_failure(execute(storage, set, now_s));
}

Result<void, StorageError> import_deletion(Storage& storage, const stream::Deleted& deleted, std::int64_t now_s) {
  const Operation remove{.kind = OperationKind::remove,
                         .key = deleted.key,
                         .version = deleted.version,
                         .hold_until_s = deleted.hold_until_s};
  return only_failure(execute(storage, remove, now_s));
}

Result<void, StorageError> import_entry(Storage& storage, const LogEntry& entry, std::int64_t now_s) {
  if (entry.kind == EntryKind::remove) {
    return import_deletion(storage, {entry.key, entry.version, entry.expire_s}, now_s);
  }
  if (entry.kind == EntryKind::touch) {  // its version is the record's, which a set would not take again
    const Operation touch{.kind = OperationKind::touch, .key = entry.key, .expire_s = entry.expire_s};
    const auto touched = execute(storage, touch, now_s);
    if (!touched || *touched == OutcomeKind::touched) return only_failure(touched);
  }
  const RecordView record{entry.flags, entry.expire_s, entry.version, entry.data};
  return import_record(storage, {entry.key, record}, now_s);
}

}  // namespace flare
