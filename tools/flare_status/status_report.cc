#include "flare_status/status_report.h"

#include <fmt/format.h>

namespace flare::status {
namespace {

constexpr int rule_columns = 68;
constexpr int sum_columns = 66;  // the column in which items and their sum end

std::string items_of(const NodeRow& row) { return row.items ? std::to_string(*row.items) : "-"; }

std::uint64_t sum_of(const std::vector<NodeRow>& rows) {
  std::uint64_t sum = 0;
  for (const auto& row : rows) sum += row.items.value_or(0);
  return sum;
}

}  // namespace

std::string format_table(const std::vector<NodeRow>& rows) {
  const std::string rule = std::string(rule_columns, '-') + "\n";
  std::string table = " server:port            role     state   balance  partition  items\n" + rule;
  for (const auto& row : rows) {
    table += fmt::format(" {:<22} {:<8} {:<7} {:>4} {:>9} {:>10}\n", row.key, row.role, row.state, row.balance,
                         row.partition, items_of(row));
  }
  constexpr std::string_view label = " sum";
  return table + rule + fmt::format("{}{:>{}}\n", label, sum_of(rows), sum_columns - static_cast<int>(label.size()));
}

nlohmann::ordered_json to_json(const ClusterStatus& status) {
  nlohmann::ordered_json json{{"index", status.index}};
  if (!status.error.empty()) {
    json["error"] = status.error;
    return json;
  }
  const auto faults = find_faults(status.rows);
  json["healthy"] = faults.empty();
  json["faults"] = faults;
  json["nodes"] = nlohmann::ordered_json::array();
  for (const auto& row : status.rows) {
    nlohmann::ordered_json node{{"node", row.key},        {"role", row.role},           {"state", row.state},
                                {"balance", row.balance}, {"partition", row.partition}, {"items", nullptr}};
    if (row.items) node["items"] = *row.items;
    if (!row.build.empty()) node["build"] = row.build;
    json["nodes"].push_back(std::move(node));
  }
  json["sum"] = sum_of(status.rows);
  return json;
}

}  // namespace flare::status
