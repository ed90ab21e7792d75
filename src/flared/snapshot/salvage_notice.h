#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// What a rebuild could not prove (docs/design.md 3.6): the file `flare.salvaged` in the data-dir, there until an
/// operator acknowledges it, or until the store was replaced by another node's.
namespace flare::snapshot {

struct SalvageNotice {
  std::int64_t time_s = 0;
  std::uint64_t proven = 0;  // of the log, or whole on one page of the disk, where their bucket leads to
  // Served, but no bucket led to them: they may be old, or have been deleted. Or they lie on several pages and the log
  // does not know them: some bytes may be of another time.
  std::uint64_t doubtful = 0;
  std::uint64_t lost = 0;               // records that were counted, or linked to, and not found: at most
  std::uint64_t damaged_bytes = 0;      // of the store, where nothing that fits was found
  std::uint64_t discarded_entries = 0;  // intact entries of the log behind a gap
  std::uint64_t missing_entries = 0;    // numbers given since the store's commit, without an entry in the log: at most

  bool operator==(const SalvageNotice&) const = default;
};

/// Of a store that was rebuilt from one whose notice nobody has acknowledged: what was doubtful is not proven by a
/// second stop, what was lost stays lost.
SalvageNotice joined(const SalvageNotice& before, SalvageNotice now);

std::string format_notice(const SalvageNotice& notice);
std::optional<SalvageNotice> parse_notice(std::string_view text);
/// A sentence for the log and flare-status.
std::string to_text(const SalvageNotice& notice);

std::filesystem::path notice_path(const std::filesystem::path& data_dir);
std::optional<SalvageNotice> read_notice(const std::filesystem::path& data_dir);

}  // namespace flare::snapshot
