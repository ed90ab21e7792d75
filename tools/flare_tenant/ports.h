#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "flare_tenant/inventory.h"

namespace flare::tenant {

struct PortPair {
  int index = 0;
  int node = 0;
  friend bool operator==(const PortPair&, const PortPair&) = default;
};

/// Ports that the config files of all tenants name, of other machines' indexes too: nobody should have to guess whose
/// 12130 is meant. Pure.
[[nodiscard]] std::set<int> ports_in_configs(const std::vector<Tenant>& tenants);

/// 12120 and 12121, 12130 and 12131, ...: the first two that no config names and `is_free` says yes to. Pure.
[[nodiscard]] std::optional<PortPair> choose_ports(const std::set<int>& taken, const std::function<bool(int)>& is_free);

/// Nothing listens there now: asked by binding.
[[nodiscard]] bool can_bind(const std::string& address, int port);

}  // namespace flare::tenant
