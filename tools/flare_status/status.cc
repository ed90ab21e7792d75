#include "flare_status/status.h"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <string_view>

namespace flare::status {
namespace {

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

/// `STAT <key>:<field> <value>`, the key ending at its last colon: that of a port comes before it.
struct NodeLine {
  std::string_view key{};
  std::string_view field{};
  std::string_view value{};
};

std::optional<NodeLine> parse_line(std::string_view line) {
  constexpr std::string_view start = "STAT ";
  if (!line.starts_with(start)) return std::nullopt;
  line.remove_prefix(start.size());
  const auto space = line.rfind(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto colon = line.substr(0, space).rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return NodeLine{line.substr(0, colon), line.substr(colon + 1, space - colon - 1), line.substr(space + 1)};
}

bool apply(const NodeLine& line, NodeRow& row) {
  if (line.field == "role") row.role = line.value;
  if (line.field == "state") row.state = line.value;
  if (line.field == "balance") return read_number(line.value, row.balance);
  if (line.field == "partition") return read_number(line.value, row.partition);
  return true;  // thread_type, and what later versions add
}

std::set<int> partitions_with_master(const std::vector<NodeRow>& rows) {
  std::set<int> found;
  for (const auto& row : rows) {
    if (row.role == "master" && row.state != "down") found.insert(row.partition);
  }
  return found;
}

}  // namespace

std::optional<std::vector<NodeRow>> parse_nodes(const std::vector<std::string>& answer) {
  if (answer.empty() || answer.back() != "END") return std::nullopt;
  std::vector<NodeRow> rows;
  for (std::size_t number = 0; number + 1 < answer.size(); ++number) {
    const auto line = parse_line(answer[number]);
    if (!line) return std::nullopt;
    if (rows.empty() || rows.back().key != line->key) rows.push_back({.key = std::string{line->key}});
    if (!apply(*line, rows.back())) return std::nullopt;
  }
  return rows;
}

std::optional<std::uint64_t> parse_items(const std::vector<std::string>& answer) {
  constexpr std::string_view start = "STAT curr_items ";
  for (const auto& line : answer) {
    std::uint64_t items = 0;
    if (line.starts_with(start) && read_number(std::string_view{line}.substr(start.size()), items)) return items;
  }
  return std::nullopt;
}

std::string parse_salvaged(const std::vector<std::string>& answer) {
  constexpr std::string_view start = "STAT salvaged_";
  std::string proven;
  std::string doubtful;
  std::string lost;
  std::string of_log;
  for (std::string_view line : answer) {
    if (!line.starts_with(start)) continue;
    line.remove_prefix(start.size());
    const auto space = line.find(' ');
    const auto name = line.substr(0, space);
    const auto value = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
    if (name == "proven") proven = value;
    if (name == "doubtful") doubtful = value;
    if (name == "lost") lost = value;
    if (value == "0") continue;
    if (name == "discarded_entries") of_log += fmt::format(", {} entries of the log behind a gap", value);
    if (name == "missing_entries") of_log += fmt::format(", {} entries of the log missing", value);
  }
  if (proven.empty()) return {};
  return fmt::format("salvaged after a stop of its machine: {} records proven, {} doubtful, {} lost{}", proven,
                     doubtful, lost, of_log);
}

std::vector<std::string> find_faults(const std::vector<NodeRow>& rows) {
  std::vector<std::string> faults;
  const auto with_master = partitions_with_master(rows);
  int highest = -1;
  for (const auto& row : rows) {
    highest = std::max(highest, row.partition);
    if (row.state == "down") {
      faults.push_back(fmt::format("{} is down", row.key));
    } else if (!row.items) {
      faults.push_back(fmt::format("{} does not answer", row.key));
    }
    if (!row.salvaged.empty()) faults.push_back(fmt::format("{} was {}", row.key, row.salvaged));
  }
  for (int partition = 0; partition <= highest; ++partition) {
    if (!with_master.contains(partition)) faults.push_back(fmt::format("partition {} has no master", partition));
  }
  return faults;
}

}  // namespace flare::status
