#pragma once

#include "common/protocol/request.h"
#include "flared/peer_link.h"

namespace flare {

class Worker;

/// A client's write that found no room while expired entries may be in the way: it is done when the sweep has removed
/// some, or refused when none are left or after a second. Fills `place` once, on the worker's thread. `request` is
/// copied.
void write_when_reclaimed(Worker& worker, const Request& request, AnswerPlace place);

}  // namespace flare
