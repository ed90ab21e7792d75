#pragma once

#include <cstdint>
#include <string_view>

#include "common/protocol/output_buffer.h"
#include "common/protocol/request.h"
#include "flared/storage/operation.h"
#include "flared/storage/storage.h"

namespace flare {

class Worker;
struct WorkerSetup;

/// After each classic write: a touch that another cluster passed on must not go back there (copied_touches.h).
void note_copied(WorkerSetup& setup, const Request& request, const Outcome& outcome);

/// Writes at this node's store that are done outside of their turn, because they had to wait.

struct WriteTimes {
  std::int64_t now_s;
  std::int64_t asked_s;  // relative times count from here
};

/// A classic write, or a meta or binary request, whose answer it appends. Inside a Batch. An error: nothing was
/// changed.
Result<void, StorageError> execute_write(Worker& worker, const Request& request, WriteTimes times, OutputBuffer& out);
/// What the client is told in place of a result: nothing if it asked for no answer.
void refuse_write(const Request& request, std::string_view error, OutputBuffer& out);

}  // namespace flare
