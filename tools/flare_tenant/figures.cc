#include "flare_tenant/figures.h"

#include <algorithm>

#include "common/daemon/option_text.h"
#include "flare_status/ask.h"
#include "flare_tenant/clashes.h"
#include "flare_tenant/daemon_state.h"

namespace flare::tenant {
namespace {

constexpr std::size_t asked_at_once_max = 256;  // each costs a descriptor

std::vector<status::Answer> ask_in_slices(const std::vector<status::Target>& targets, std::string_view request,
                                          std::chrono::milliseconds limit) {
  std::vector<status::Answer> answers;
  for (std::size_t begin = 0; begin < targets.size(); begin += asked_at_once_max) {
    const auto end = std::min(begin + asked_at_once_max, targets.size());
    const std::vector<status::Target> slice(targets.begin() + static_cast<std::ptrdiff_t>(begin),
                                            targets.begin() + static_cast<std::ptrdiff_t>(end));
    auto some = status::ask_all(slice, request, std::chrono::steady_clock::now() + limit);
    std::move(some.begin(), some.end(), std::back_inserter(answers));
  }
  return answers;
}

status::Target target_of(const HostPort& place) { return {place.host, static_cast<std::uint16_t>(place.port)}; }

// The flarei of this machine, else the one that the node names.
std::optional<status::Target> index_of(const Tenant& tenant) {
  if (const auto* index = tenant.of(Kind::index)) return target_of(index->file.reachable());
  const auto* node = tenant.of(Kind::node);
  if (node == nullptr || node->file.indexes.empty()) return std::nullopt;
  return target_of(node->file.indexes.front());
}

TenantFigures look_at_processes(const Tenant& tenant) {
  TenantFigures figures{.name = tenant.name};
  for (const auto& daemon : tenant.daemons) {
    DaemonFigures row{.kind = daemon.file.kind, .address = daemon.file.bind(), .port = daemon.file.port()};
    if (const auto holder = running_daemon(daemon.folder.real_path)) row.pid = holder->pid;
    figures.daemons.push_back(std::move(row));
    for (const auto& [name, value] : daemon.file.quotas) {
      if (daemon.file.kind == Kind::node) figures.quotas[name] = value;
    }
  }
  return figures;
}

void add_warnings(std::vector<TenantFigures>& all, const std::vector<Finding>& findings) {
  for (const auto& finding : findings) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& row) { return row.name == finding.tenant; });
    if (found != all.end()) found->warnings.push_back(finding.text);
  }
}

bool anything_runs(const TenantFigures& figures) {
  return std::any_of(figures.daemons.begin(), figures.daemons.end(),
                     [](const auto& row) { return row.pid.has_value(); });
}

void ask_indexes(const std::vector<Tenant>& tenants, std::vector<TenantFigures>& all, std::chrono::milliseconds limit) {
  std::vector<status::Target> targets;
  std::vector<TenantFigures*> owners;
  for (std::size_t number = 0; number < all.size(); ++number) {
    const auto index = index_of(tenants[number]);
    if (!index || !anything_runs(all[number])) continue;
    targets.push_back(*index);
    owners.push_back(&all[number]);
  }
  const auto answers = ask_in_slices(targets, "stats nodes", limit);
  for (std::size_t number = 0; number < answers.size(); ++number) {
    auto rows = status::parse_nodes(answers[number].lines);
    if (answers[number].error.empty() && rows) {
      owners[number]->nodes = std::move(*rows);
    } else {
      owners[number]->warnings.push_back("index " + status::to_string(targets[number]) + ": " +
                                         (answers[number].error.empty() ? "is no flarei" : answers[number].error));
    }
  }
}

void add(std::optional<std::uint64_t>& sum, std::optional<std::uint64_t> more) {
  if (more) sum = sum.value_or(0) + *more;
}

void ask_nodes(std::vector<TenantFigures>& all, std::chrono::milliseconds limit) {
  std::vector<status::Target> targets;
  std::vector<std::pair<TenantFigures*, status::NodeRow*>> owners;
  for (auto& figures : all) {
    for (auto& row : figures.nodes) {
      targets.push_back(status::parse_target(row.key).value_or(status::Target{}));
      owners.emplace_back(&figures, &row);
    }
  }
  const auto answers = ask_in_slices(targets, "stats", limit);
  for (std::size_t number = 0; number < answers.size(); ++number) {
    auto [figures, row] = owners[number];
    row->items = status::parse_items(answers[number].lines);
    if (row->role == "master") add(figures->items, row->items);
    add(figures->bytes, stat_number(answers[number].lines, "bytes"));
  }
}

}  // namespace

std::optional<std::uint64_t> stat_number(const std::vector<std::string>& answer, const std::string& name) {
  const auto start = "STAT " + name + " ";
  for (const auto& line : answer) {
    if (line.starts_with(start)) return parse_integer<std::uint64_t>(std::string_view{line}.substr(start.size()));
  }
  return std::nullopt;
}

std::vector<TenantFigures> look_at_all(const std::vector<Tenant>& tenants, std::chrono::milliseconds answer_limit) {
  std::vector<TenantFigures> all;
  for (const auto& tenant : tenants) all.push_back(look_at_processes(tenant));
  add_warnings(all, find_clashes(tenants));
  add_warnings(all, find_open_doors(tenants));
  ask_indexes(tenants, all, answer_limit);
  ask_nodes(all, answer_limit);
  for (auto& figures : all) {
    if (figures.nodes.empty()) continue;
    for (auto& fault : status::find_faults(figures.nodes)) figures.warnings.push_back(std::move(fault));
  }
  return all;
}

}  // namespace flare::tenant
