#pragma once

#include "flared/storage/storage.h"

namespace flare {

/// Writes what a source of an import sent as the next entry of the own log, in `epoch`, whatever the own store has of
/// the key: entries of one source come in its order, and those behind a fuzzy snapshot make it exact (design.md 3.5),
/// so no versions are compared; the source's are kept. Inside a Batch. `entry` is no flush; its numbers do not matter.
Result<void, StorageError> import_entry(Storage& storage, Epoch epoch, LogEntry entry);

}  // namespace flare
