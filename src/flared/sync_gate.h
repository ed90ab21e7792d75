#pragma once

#include <functional>

#include "common/protocol/request.h"
#include "flared/replication/commit_gate.h"

namespace flare {

class Worker;

/// docs/replication.md 9: whether this write is answered only when all copies that could be promoted have it.
inline bool is_sync_write(const Request& request, bool sync_mode) { return sync_mode ? !request.async : request.sync; }

/// Calls `done` on the worker's thread: with true when all that is written now is committed, with false when that was
/// not so in time; at once if it is. After write_log.
void when_committed(Worker& worker, std::function<void(bool committed)> done);

}  // namespace flare
