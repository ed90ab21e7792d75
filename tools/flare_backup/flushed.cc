#include "flare_backup/flushed.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "flared/snapshot/kch_scan.h"
#include "flared/storage/file_tools.h"

namespace flare::backup {
namespace {

constexpr std::string_view prefix = "flare.kch.flushed-";

Flushed look_at(const std::filesystem::path& path) {
  Flushed found{.time = path.filename().string().substr(prefix.size()), .store = path, .fault = {}};
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    found.fault = error_text(errno);
    return found;
  }
  found.bytes = static_cast<std::uint64_t>(status.st_size);
  const MappedFile mapped{file.get(), found.bytes};
  const auto header = snapshot::read_kch_header(mapped.bytes());
  if (header) found.records = header->count;
  if (!header) found.fault = header.error();
  return found;
}

}  // namespace

std::filesystem::path flushed_store(const std::filesystem::path& data_dir, const std::string& time) {
  return data_dir / (std::string{prefix} + time);
}

std::vector<Flushed> list_flushed(const std::filesystem::path& data_dir) {
  std::vector<Flushed> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry{data_dir, error}, end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().native().starts_with(prefix)) found.push_back(look_at(entry->path()));
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  return found;
}

std::string format_flushed(const std::vector<Flushed>& found) {
  std::string text;
  for (const auto& each : found) {
    text += fmt::format("{}  {} records, {} bytes{}{}\n", each.time, each.records, each.bytes,
                        each.fault.empty() ? "" : ": ", each.fault);
  }
  return text;
}

}  // namespace flare::backup
