#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace flare::backup {

/// What a flush_all has kept aside in a data-dir (docs/design.md 3.7).
struct Flushed {
  std::string time;  // unix seconds, with a number behind it if there were several in one second
  std::filesystem::path store;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::string fault;  // why it cannot be brought back; else empty
};

/// Oldest first.
std::vector<Flushed> list_flushed(const std::filesystem::path& data_dir);
std::string format_flushed(const std::vector<Flushed>& found);
std::filesystem::path flushed_store(const std::filesystem::path& data_dir, const std::string& time);

}  // namespace flare::backup
