#include "flared/snapshot/salvage_notice.h"

#include <fmt/format.h>

#include <algorithm>

#include "flared/replication/header_words.h"
#include "flared/storage/file_tools.h"

namespace flare::snapshot {
namespace {

constexpr std::string_view first_word = "flare-salvaged-2";

}  // namespace

SalvageNotice joined(const SalvageNotice& before, SalvageNotice now) {
  const auto doubtful_again = std::min(before.doubtful, now.proven);
  now.proven -= doubtful_again;
  now.doubtful += doubtful_again;
  now.lost += before.lost;
  now.damaged_bytes += before.damaged_bytes;
  now.discarded_entries += before.discarded_entries;
  now.missing_entries += before.missing_entries;
  return now;
}

std::string format_notice(const SalvageNotice& notice) {
  return fmt::format("{} {} {} {} {} {} {} {}\n", first_word, notice.time_s, notice.proven, notice.doubtful,
                     notice.lost, notice.damaged_bytes, notice.discarded_entries, notice.missing_entries);
}

std::optional<SalvageNotice> parse_notice(std::string_view text) {
  if (!text.ends_with('\n')) return std::nullopt;
  HeaderWords words{text.substr(0, text.size() - 1)};
  if (words.next() != first_word) return std::nullopt;
  const auto time_s = words.next_number<std::int64_t>();
  const auto proven = words.next_number<std::uint64_t>();
  const auto doubtful = words.next_number<std::uint64_t>();
  const auto lost = words.next_number<std::uint64_t>();
  const auto damaged_bytes = words.next_number<std::uint64_t>();
  const auto discarded_entries = words.next_number<std::uint64_t>();
  const auto missing_entries = words.next_number<std::uint64_t>();
  if (!time_s || !proven || !doubtful || !lost || !damaged_bytes || !discarded_entries || !missing_entries ||
      !words.at_end()) {
    return std::nullopt;
  }
  return SalvageNotice{*time_s, *proven, *doubtful, *lost, *damaged_bytes, *discarded_entries, *missing_entries};
}

std::string to_text(const SalvageNotice& notice) {
  return fmt::format(
      "salvaged after a stop of the machine: {} records proven, {} doubtful, {} lost, {} bytes of the store damaged, "
      "{} entries of the log behind a gap, {} missing",
      notice.proven, notice.doubtful, notice.lost, notice.damaged_bytes, notice.discarded_entries,
      notice.missing_entries);
}

std::filesystem::path notice_path(const std::filesystem::path& data_dir) { return data_dir / "flare.salvaged"; }

std::optional<SalvageNotice> read_notice(const std::filesystem::path& data_dir) {
  return parse_notice(read_small_file(notice_path(data_dir)).value_or(""));
}

}  // namespace flare::snapshot
