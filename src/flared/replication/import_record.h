#pragma once

#include <cstdint>

#include "flared/replication/backup.h"
#include "flared/storage/storage.h"

namespace flare {

/// Writes what a source of an import sent as entries of the own log. Inside a Batch. The source's versions are kept,
/// and decide between a record of the fuzzy snapshot and older entries of the stream.
Result<void, StorageError> import_record(Storage& storage, const stream::Record& record, std::int64_t now_s);
Result<void, StorageError> import_deletion(Storage& storage, const stream::Deleted& deleted, std::int64_t now_s);
/// `entry` is no flush.
Result<void, StorageError> import_entry(Storage& storage, const LogEntry& entry, std::int64_t now_s);

}  // namespace flare
