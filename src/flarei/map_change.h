#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/cluster/node_map.h"

/// What lies between two maps. Pure.
namespace flare {

/// Who must hold the new map before the others (docs/spec/cluster.md 4.2), group after group: a promoted slave; a
/// master that was made active, then its slaves.
std::vector<std::vector<NodeKey>> prior_groups(const NodeMap& before, const NodeMap& after);

/// One line for the log for each node that came, went or changed (docs/spec/daemons.md 2.7).
std::vector<std::string> change_lines(const NodeMap& before, const NodeMap& after, std::string_view cause);

}  // namespace flare
