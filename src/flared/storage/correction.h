#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flared/storage/log_entry.h"
#include "flared/storage/record.h"

/// What takes the place of the surplus of a log (docs/replication.md 11), and its file in the log's folder.
namespace flare {

/// The log ends at `common` again, and each key that was written behind it gets what the source has for it.
struct Correction {
  Position common;
  /// The keys were read while others wrote: the entries up to here make them exact.
  Sequence exact_at{0};
  /// In the log's encoding, without numbers: set, or remove (a drop where nothing is remembered).
  std::string entries;

  void put(std::string_view key, const RecordView& record);
  void put_deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s);
};

/// The entries, one after another; they live as long as the correction. Empty if one of them is damaged.
std::vector<LogEntry> entries_of(const Correction& correction);
/// The keys of a correction that the log has not made exact yet.
struct InexactKeys {
  Sequence exact_at{0};
  std::vector<std::string> keys;
};
InexactKeys inexact_keys_of(const Correction& correction);

/// `correction`: to be carried out, and again after a kill; `corrected`: done, but its keys may not be exact yet.
enum class CorrectionStage { due, done };

/// Whole and synced, or not at all. An errno value.
int write_correction(const std::filesystem::path& log_folder, const Correction& correction);
/// It was not begun, and is not to be.
void withdraw_correction(const std::filesystem::path& log_folder);
/// From `due` to `done`. An errno value.
int mark_corrected(const std::filesystem::path& log_folder);
std::optional<Correction> read_correction(const std::filesystem::path& log_folder, CorrectionStage stage);
void remove_corrected(const std::filesystem::path& log_folder);

/// Cuts off what the log in that folder has behind `last`, which it must have itself. May be repeated. No UpdateLog may
/// write there meanwhile; one that is still open keeps the files as they were. An errno value.
int cut_log(const std::filesystem::path& log_folder, const Position& last);

}  // namespace flare
