#pragma once

#include <string_view>

namespace flare {

/// Whether two numeric IPv4 addresses begin with the same `bits` (proxy-prior-netmask, docs/spec/cluster.md 2.3). A
/// name is in no network: names are not resolved where requests are routed. Pure.
bool in_one_network(std::string_view own, std::string_view other, int bits);

}  // namespace flare
