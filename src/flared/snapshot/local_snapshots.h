#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flared/storage/log_entry.h"

/// The snapshots that a node keeps for its own next start (docs/design.md 3.6):
/// `snapshots/<log-id>-<sequence>.snapshot` in the data-dir, named by the position of which they are an exact picture.
namespace flare::snapshot {

struct LocalSnapshot {
  LogId log_id{0};
  Sequence sequence{0};
  std::filesystem::path path;
};

std::filesystem::path local_folder(const std::filesystem::path& data_dir);
std::string local_name(LogId log_id, Sequence sequence);
/// nullopt: no name of a local snapshot. Pure.
std::optional<LocalSnapshot> parse_local_name(std::string_view name);

/// Newest first: of each log the one that stands farthest. Whether a file is whole, reading it tells.
std::vector<LocalSnapshot> list_local(const std::filesystem::path& data_dir);
/// Removes all but `kept`, and files that were never finished.
void remove_other_local(const std::filesystem::path& data_dir, const std::filesystem::path& kept);

}  // namespace flare::snapshot
