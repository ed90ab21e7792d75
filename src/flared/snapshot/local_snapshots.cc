#include "flared/snapshot/local_snapshots.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace flare::snapshot {
namespace {

constexpr std::string_view extension = ".snapshot";
constexpr std::size_t log_id_digits = 16;
constexpr std::size_t sequence_digits = 20;

std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry{folder, error}, end; !error && entry != end; entry.increment(error)) {
    files.push_back(entry->path());
  }
  return files;
}

}  // namespace

std::filesystem::path local_folder(const std::filesystem::path& data_dir) { return data_dir / "snapshots"; }

std::string local_name(LogId log_id, Sequence sequence) {
  return fmt::format("{:016x}-{:020}{}", raw(log_id), raw(sequence), extension);
}

std::optional<LocalSnapshot> parse_local_name(std::string_view name) {
  std::uint64_t log_id = 0;
  std::uint64_t sequence = 0;
  if (name.size() != log_id_digits + 1 + sequence_digits + extension.size()) return std::nullopt;
  std::from_chars(name.data(), name.data() + log_id_digits, log_id, 16);
  std::from_chars(name.data() + log_id_digits + 1, name.data() + log_id_digits + 1 + sequence_digits, sequence);
  if (local_name(LogId{log_id}, Sequence{sequence}) != name) return std::nullopt;
  return LocalSnapshot{LogId{log_id}, Sequence{sequence}, {}};
}

std::vector<LocalSnapshot> list_local(const std::filesystem::path& data_dir) {
  std::vector<LocalSnapshot> found;
  for (const auto& path : files_of(local_folder(data_dir))) {
    auto snapshot = parse_local_name(path.filename().native());
    if (!snapshot) continue;
    snapshot->path = path;
    found.push_back(std::move(*snapshot));
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.sequence > b.sequence; });
  return found;
}

void remove_other_local(const std::filesystem::path& data_dir, const std::filesystem::path& kept) {
  std::error_code ignored;
  for (const auto& path : files_of(local_folder(data_dir))) {
    if (path != kept) std::filesystem::remove(path, ignored);
  }
}

}  // namespace flare::snapshot
