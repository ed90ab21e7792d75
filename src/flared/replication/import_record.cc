#include "flared/replication/import_record.h"

namespace flare {

namespace {

constexpr int tries_max =
    1000;  // each lost one is a write of a worker in between, of which there are few before a split

}  // namespace

Result<void, StorageError> import_entry(Storage& storage, Epoch epoch, LogEntry entry) {
  Result<void, StorageError> applied = StorageError::sequence_gap;
  for (int tries = 0; tries < tries_max; ++tries) {
    entry.epoch = epoch;
    entry.sequence = next(storage.position().sequence);
    applied = storage.apply(entry);
    if (applied || applied.error() != StorageError::sequence_gap) break;
  }
  return applied;
}

}  // namespace flare
