#pragma once

#include "common/protocol/output_buffer.h"
#include "common/protocol/request.h"
#include "flared/counters.h"
#include "flared/storage/operation.h"
#include "flared/storage/storage.h"

/// From requests to storage operations, and from outcomes to answers and counters. Pure.
namespace flare {

/// For the commands that write one record; relative times become absolute (docs/spec/protocol.md 3).
Operation to_operation(const Request& request, std::int64_t now_s);
bool counts_as_set(Command command);
/// protocol.md 5: counted where executed.
void count(Counters& counters, const Request& request, const Outcome& outcome);
/// The answer line with CRLF; empty for `number`, which has digits of its own.
std::string_view answer_of(OutcomeKind kind);
/// `SERVER_ERROR ...` with CRLF: nothing was changed.
std::string_view answer_of(StorageError error);
/// All that the client is told of its write; nothing for noreply and for gat, whose value is the answer.
void append_answer(OutputBuffer& out, const Request& request, const Outcome& outcome);

}  // namespace flare
