#pragma once

#include <string>

#include "flare_tenant/access.h"
#include "flare_tenant/inventory.h"

namespace flare::tenant {

/// An nftables table that admits to the ports of this tenant only this machine, the networks of its lists and `more`.
/// Pure; the lists must be valid.
[[nodiscard]] std::string firewall_rules(const Tenant& tenant, const AllowList& more);

}  // namespace flare::tenant
