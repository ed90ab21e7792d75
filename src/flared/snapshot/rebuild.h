#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "flared/snapshot/salvage_notice.h"
#include "flared/snapshot/snapshot_lines.h"
#include "flared/storage/storage_options.h"

/// The start after an unclean stop of the machine (docs/design.md 3.6): the store's file is not to be trusted, and does
/// not say so. A new store is built in `rebuild/` beside it, from local snapshot and log where there are some, else by
/// a tolerant scan of the file and what is left of the log; then it takes the old one's place, clean and with a log of
/// its own. A stop at any point is gone on from, or begun anew.
namespace flare::snapshot {

struct Rebuilt {
  bool from_snapshot = false;
  std::uint64_t records = 0;
  std::uint64_t entries = 0;            // of the log, applied
  std::uint64_t discarded_entries = 0;  // intact, behind a gap of the log: never answered for in group
  SalvageNotice salvage;                // if not from a snapshot
};

/// Before the storage is opened. nullopt: the machine has not stopped under it. The error is a sentence.
Result<std::optional<Rebuilt>, std::string> rebuild_if_needed(const StorageOptions& options, const Head& head, Log& log,
                                                              const Clock& clock);

}  // namespace flare::snapshot
