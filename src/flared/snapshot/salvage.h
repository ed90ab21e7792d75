#pragma once

#include <cstddef>
#include <string>

#include "flared/snapshot/building.h"
#include "flared/snapshot/salvage_notice.h"

namespace flare::snapshot {

/// Keys whose history is held in memory at once, some 100 bytes each: a larger store is gone over more than once.
constexpr std::size_t salvage_keys_max = std::size_t{1} << 20;

struct SalvagePlan {
  std::filesystem::path store;  // flare.kch as the stop of the machine has left it
  std::filesystem::path log_folder;
  std::size_t keys_max = salvage_keys_max;
};

struct Salvaged {
  SalvageNotice notice;
  std::uint64_t entries = 0;  // of the log, intact
};

/// Fills a new store with what a tolerant scan of the old file and what is left of the log can prove or at least find
/// (docs/design.md 3.6), and commits it. The error is a sentence.
Result<Salvaged, std::string> salvage(const SalvagePlan& plan, Building& building, Log& log);

}  // namespace flare::snapshot
