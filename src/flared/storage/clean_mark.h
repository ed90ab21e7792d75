#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

/// How the last run ended (docs/design.md 3.4): `flare.clean` is written after commit and close, and removed before the
/// store is opened again. `flare.boot` names the boot of the machine that the last run belonged to.
namespace flare {

struct CleanMark {
  LogId log_id{0};
  Sequence sequence{0};
  std::uint64_t file_bytes = 0;
  std::int64_t modified_ns = 0;
  std::uint64_t inode = 0;
  bool operator==(const CleanMark&) const = default;
};

std::string format_clean_mark(const CleanMark& mark);
std::optional<CleanMark> parse_clean_mark(std::string_view text);

/// What the store's file looks like now; nullopt if it is not there. Opens nothing: closing any descriptor would drop
/// the library's lock (design.md 3).
std::optional<CleanMark> look_at_store(const std::filesystem::path& store);

std::filesystem::path clean_mark_path(const std::filesystem::path& data_dir);
std::filesystem::path boot_mark_path(const std::filesystem::path& data_dir);
/// Whether the last run was not closed and the machine has booted since: the store's file is not to be trusted.
bool machine_stopped(const std::filesystem::path& data_dir);
/// Names the present boot of this machine; empty if the system does not tell.
std::string boot_id();

}  // namespace flare
