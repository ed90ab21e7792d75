#include "flared/local_write.h"

#include "common/protocol/item_answer.h"
#include "common/protocol/proxy_prefix.h"
#include "flared/item_execution.h"
#include "flared/operations.h"
#include "flared/value_writer.h"
#include "flared/worker.h"

namespace flare {

void note_copied(WorkerSetup& setup, const Request& request, const Outcome& outcome) {
  if (!setup.copied_touches || outcome.kind != OutcomeKind::touched || outcome.unchanged) return;
  const auto source = copied_by(request.prefix);
  if (!source.empty()) setup.copied_touches->note(request.key, outcome.expire_s, source);
}

Result<void, StorageError> execute_write(Worker& worker, const Request& request, WriteTimes times, OutputBuffer& out) {
  auto& setup = worker.setup();
  if (request.item) {
    return execute_item({setup.storage, setup.marks, worker.counts(), times.now_s, serves_clients(worker.view())},
                        *request.item, out);
  }
  auto operation = to_operation(request, times.asked_s);
  operation.limited = serves_clients(worker.view());
  ValueWriter writer{out, request.with_version, setup.memory.answer_bytes_max()};
  const auto outcome = setup.storage.execute(operation, times.now_s, request.noreply ? nullptr : &writer);
  if (!outcome) return outcome.error();
  count(worker.counts(), request, *outcome);
  note_copied(setup, request, *outcome);
  if (writer.full()) {
    out.append(reply::answer_too_large);
  } else {
    append_answer(out, request, *outcome);
  }
  return {};
}

void refuse_write(const Request& request, std::string_view error, OutputBuffer& out) {
  if (request.item) return append_item_answer(out, *request.item, failed(error), 0);
  if (!request.noreply) out.append(error);
}

}  // namespace flare
