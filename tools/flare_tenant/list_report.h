#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "flare_tenant/figures.h"

/// How `list` prints. Pure.
namespace flare::tenant {

/// `running`, `stopped`, or which of the two daemons is stopped.
[[nodiscard]] std::string state_of(const TenantFigures& tenant);

/// One line for each tenant under a head, its warnings below it with --warnings, else only their number.
[[nodiscard]] std::string format_list(const std::vector<TenantFigures>& tenants, bool show_warnings);
[[nodiscard]] nlohmann::ordered_json list_to_json(const std::vector<TenantFigures>& tenants);

}  // namespace flare::tenant
