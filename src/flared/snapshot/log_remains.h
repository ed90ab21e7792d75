#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "flared/storage/log_entry.h"

namespace flare::snapshot {

/// What a stop of the machine has left of an update log.
struct LogRemains {
  LogId log_id{0};  // 0: there is nothing to go by
  Sequence first{0};
  Sequence last{0};  // of the whole beginning: entry by entry from `first`, none missing
  Epoch epoch{0};
  EpochTable epochs;
  std::uint64_t discarded_bytes = 0;    // behind it
  std::uint64_t discarded_entries = 0;  // intact ones among them
  std::uint64_t damages_covered = 0;    // places that are damaged, and whose entries the snapshot has
};

/// Shows each intact entry of the segments in `folder`, in their order; `whole`: nothing is missing before it that is
/// not in the snapshot of `covered`. What a snapshot has was on the disk before that: a hole there is damage, which
/// that makes good, and no end of the log. Changes nothing: whoever opens the folder as an UpdateLog refuses such
/// holes, because after any other end they are damage.
LogRemains read_log_remains(const std::filesystem::path& folder,
                            const std::function<void(const LogEntry& entry, bool whole)>& visit,
                            Sequence covered = Sequence{0});

}  // namespace flare::snapshot
