#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

/// What a rebuild could not prove (docs/design.md 3.6): the file `flare.salvaged` in the data-dir, there until an
/// operator acknowledges it, or until the store was replaced by another node's.
namespace flare::snapshot {

struct SalvageNotice {
  LogId log_id{0};  // of the salvaged store: a store of another history has nothing to do with it
  std::int64_t time_s = 0;
  std::uint64_t proven = 0;  // of the log, or whole on one page of the disk, where their bucket leads to
  // Served, but no bucket led to them: they may be old, or have been deleted. Or they lie on several pages and the log
  // does not know them: some bytes may be of another time.
  std::uint64_t doubtful = 0;
  std::uint64_t lost = 0;               // records that were counted, or linked to, and not found: at most
  std::uint64_t damaged_bytes = 0;      // of the store, where nothing that fits was found
  std::uint64_t discarded_entries = 0;  // intact entries of the log behind a gap

  bool operator==(const SalvageNotice&) const = default;
};

std::string format_notice(const SalvageNotice& notice);
std::optional<SalvageNotice> parse_notice(std::string_view text);
/// A sentence for the log and flare-status.
std::string to_text(const SalvageNotice& notice);

std::filesystem::path notice_path(const std::filesystem::path& data_dir);
std::optional<SalvageNotice> read_notice(const std::filesystem::path& data_dir);

}  // namespace flare::snapshot
