#pragma once

#include <memory>
#include <vector>

#include "flared/outgoing.h"

namespace flare {

class Worker;

/// What a link gave back finds its way by the present map, in the order in which it came (docs/replication.md 12):
/// to another node, or it is done here. On the worker's thread.
void route_again(Worker& worker, std::vector<OutgoingPointer> requests);

}  // namespace flare
