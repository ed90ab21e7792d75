#pragma once

#include <vector>

#include "flared/replication/original_slaves.h"
#include "flared/routing.h"

namespace flare {

/// Who is sent this master's writes if it turns out to be an original (docs/spec/cluster.md 5.3): the slaves of its
/// partition, and the master of the partition that is being made, for the keys that will move there. Pure.
std::vector<OriginalSlaves::Target> targets_of_master(const RoutingView& view, const NodeKey& own);

}  // namespace flare
