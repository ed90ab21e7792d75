#pragma once

#include <string>
#include <vector>

#include "flare_tenant/inventory.h"

/// What is wrong with the tenants of this machine, from their config files alone. Pure.
namespace flare::tenant {

struct Finding {
  bool error = true;     ///< else a warning
  std::string tenant{};  ///< whose
  std::string text{};    ///< one sentence
  friend bool operator==(const Finding&, const Finding&) = default;
};

/// Two daemons that want the same port, directory, socket or name, a node that names another tenant's index, files that
/// say another tenant than their folder.
[[nodiscard]] std::vector<Finding> find_clashes(const std::vector<Tenant>& tenants);

/// A warning for each list or door that admits everybody.
[[nodiscard]] std::vector<Finding> find_open_doors(const std::vector<Tenant>& tenants);

}  // namespace flare::tenant
