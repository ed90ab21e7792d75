#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "flared/snapshot/snapshot_reader.h"

namespace flare::backup {

/// A file that says of itself that it is a snapshot, or why it is none.
struct Listed {
  std::filesystem::path path{};
  std::uint64_t bytes = 0;
  snapshot::Head head{};
  std::string fault{};  // empty: its first line is good
};

/// The file, or the snapshots of a folder by their time. Reads first lines only.
std::vector<Listed> list(const std::filesystem::path& file_or_folder);
/// A table. Pure.
std::string format_list(const std::vector<Listed>& listed);
/// `node h:p of cluster .. tenant .., taken .., N records, ...`. Pure.
std::string describe(const snapshot::Facts& facts);

}  // namespace flare::backup
