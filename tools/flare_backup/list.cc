#include "flare_backup/list.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace flare::backup {
namespace {

std::string time_text(std::int64_t time_s) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(static_cast<std::time_t>(time_s)));
}

std::string or_dash(const std::string& word) { return word.empty() ? "-" : word; }

Listed look_at(const std::filesystem::path& path) {
  Listed listed{.path = path};
  std::error_code error;
  listed.bytes = std::filesystem::file_size(path, error);
  auto head = snapshot::read_file_head(path);
  if (head) listed.head = std::move(*head);
  if (!head) listed.fault = head.error();
  return listed;
}

}  // namespace

std::vector<Listed> list(const std::filesystem::path& file_or_folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(file_or_folder, error)) return {look_at(file_or_folder)};
  std::vector<Listed> found;
  for (std::filesystem::directory_iterator entry{file_or_folder, error}, end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".snapshot") found.push_back(look_at(entry->path()));
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.head.taken_s, a.path) < std::tie(b.head.taken_s, b.path);
  });
  return found;
}

std::string format_list(const std::vector<Listed>& listed) {
  std::string text =
      fmt::format("{:20} {:>12} {:24} {:>9} {:16} {}\n", "taken", "bytes", "node", "partition", "tenant", "file");
  for (const auto& each : listed) {
    if (!each.fault.empty()) {
      text += each.fault + "\n";
      continue;
    }
    const auto partition = each.head.partition == no_partition
                               ? "-"
                               : fmt::format("{}/{}", raw(each.head.partition), each.head.partitions);
    text += fmt::format("{:20} {:>12} {:24} {:>9} {:16} {}\n", time_text(each.head.taken_s), each.bytes,
                        or_dash(each.head.node), partition, or_dash(each.head.owner.tenant), each.path.string());
  }
  return text;
}

std::string describe(const snapshot::Facts& facts) {
  return fmt::format("{} records, {} remembered deletions, {} entries, {} bytes, of {} ({}), taken {}", facts.records,
                     facts.deletions, facts.entries, facts.bytes, or_dash(facts.head.node), to_text(facts.head.owner),
                     time_text(facts.head.taken_s));
}

}  // namespace flare::backup
