#include "flare_tenant/list_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/daemon/option_text.h"

namespace flare::tenant {
namespace {

constexpr std::size_t columns = 9;
using Row = std::array<std::string, columns>;

std::string number_or_dash(const std::optional<std::uint64_t>& number) {
  return number ? std::to_string(*number) : "-";
}

std::string port_of(const TenantFigures& tenant, Kind kind) {
  for (const auto& daemon : tenant.daemons) {
    if (daemon.kind == kind) return std::to_string(daemon.port);
  }
  return "-";
}

// Nodes that serve of those in the map.
std::string nodes_of(const TenantFigures& tenant) {
  if (tenant.nodes.empty()) return "-";
  const auto up = std::count_if(tenant.nodes.begin(), tenant.nodes.end(),
                                [](const auto& row) { return row.state != "down" && row.items.has_value(); });
  return fmt::format("{}/{}", up, tenant.nodes.size());
}

std::string quota_of(const TenantFigures& tenant) {
  std::string text;
  for (const auto& [name, value] : tenant.quotas) text += (text.empty() ? "" : ",") + name + "=" + value;
  return text.empty() ? "-" : text;
}

Row row_of(const TenantFigures& tenant) {
  return {tenant.name,
          port_of(tenant, Kind::index),
          port_of(tenant, Kind::node),
          state_of(tenant),
          nodes_of(tenant),
          number_or_dash(tenant.items),
          number_or_dash(tenant.bytes),
          quota_of(tenant),
          std::to_string(tenant.warnings.size())};
}

std::string line_of(const Row& row, const std::array<std::size_t, columns>& widths) {
  std::string line;
  for (std::size_t column = 0; column < columns; ++column) {
    line += column + 1 == columns ? row[column] : fmt::format("{:<{}}  ", row[column], widths[column]);
  }
  return line + "\n";
}

nlohmann::ordered_json json_of(const DaemonFigures& daemon) {
  nlohmann::ordered_json json{{"program", program_of(daemon.kind)},
                              {"address", daemon.address},
                              {"port", daemon.port},
                              {"state", daemon.pid ? "running" : "stopped"},
                              {"pid", nullptr}};
  if (daemon.pid) json["pid"] = *daemon.pid;
  return json;
}

nlohmann::ordered_json json_of(const status::NodeRow& row) {
  nlohmann::ordered_json json{{"node", row.key},        {"role", row.role},           {"state", row.state},
                              {"balance", row.balance}, {"partition", row.partition}, {"items", nullptr}};
  if (row.items) json["items"] = *row.items;
  return json;
}

nlohmann::ordered_json json_of(const std::optional<std::uint64_t>& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json(nullptr);
}

}  // namespace

std::string state_of(const TenantFigures& tenant) {
  const auto runs = [](const auto& daemon) { return daemon.pid.has_value(); };
  if (std::none_of(tenant.daemons.begin(), tenant.daemons.end(), runs)) return "stopped";
  for (const auto& daemon : tenant.daemons) {
    if (!runs(daemon)) return fmt::format("{} stopped", program_of(daemon.kind));
  }
  return "running";
}

std::string format_list(const std::vector<TenantFigures>& tenants, bool show_warnings) {
  std::vector<Row> rows{{"TENANT", "INDEX", "NODE", "STATE", "NODES", "ITEMS", "BYTES", "QUOTA", "WARNINGS"}};
  for (const auto& tenant : tenants) rows.push_back(row_of(tenant));
  std::array<std::size_t, columns> widths{};
  for (const auto& row : rows) {
    for (std::size_t column = 0; column < columns; ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  auto text = line_of(rows.front(), widths);
  for (std::size_t number = 0; number < tenants.size(); ++number) {
    text += line_of(rows[number + 1], widths);
    if (!show_warnings) continue;
    for (const auto& warning : tenants[number].warnings) text += "  ! " + warning + "\n";
  }
  return text;
}

nlohmann::ordered_json list_to_json(const std::vector<TenantFigures>& tenants) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& tenant : tenants) {
    nlohmann::ordered_json json{{"tenant", tenant.name}, {"state", state_of(tenant)}};
    json["daemons"] = nlohmann::ordered_json::array();
    for (const auto& daemon : tenant.daemons) json["daemons"].push_back(json_of(daemon));
    json["nodes"] = nlohmann::ordered_json::array();
    for (const auto& row : tenant.nodes) json["nodes"].push_back(json_of(row));
    json["items"] = json_of(tenant.items);
    json["bytes"] = json_of(tenant.bytes);
    json["quotas"] = tenant.quotas;
    json["warnings"] = tenant.warnings;
    list.push_back(std::move(json));
  }
  return {{"tenants", std::move(list)}};
}

}  // namespace flare::tenant
