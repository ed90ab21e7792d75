#include "flared/operations.h"

#include "common/protocol/exptime.h"
#include "common/protocol/proxy_prefix.h"
#include "common/protocol/reply_writer.h"
#include "flared/quota.h"

namespace flare {

namespace {

OperationKind kind_of(Command command) {
  switch (command) {
    case Command::set:
      return OperationKind::set;
    case Command::add:
      return OperationKind::add;
    case Command::replace:
      return OperationKind::replace;
    case Command::append:
      return OperationKind::append;
    case Command::prepend:
      return OperationKind::prepend;
    case Command::cas:
      return OperationKind::cas;
    case Command::incr:
      return OperationKind::incr;
    case Command::decr:
      return OperationKind::decr;
    case Command::remove:
      return OperationKind::remove;
    case Command::touch:
      return OperationKind::touch;
    case Command::gat:
      return OperationKind::gat;
    default:
      return OperationKind::set;  // not reached: the caller has sorted the commands out
  }
}

}  // namespace

Operation to_operation(const Request& request, std::int64_t now_s) {
  Operation operation;
  operation.kind = kind_of(request.command);
  operation.key = request.key;
  operation.data = request.data;
  operation.flags = request.flags;
  if (operation.kind == OperationKind::cas) {
    operation.compare = RecordVersion{request.version};
  } else {
    operation.version = RecordVersion{request.version};
  }
  operation.copied = is_copying(request.prefix);
  operation.any_version = operation.copied || is_restoring(request.prefix);
  operation.delta = request.delta;
  const auto absolute_s = absolute_expire_s(request.exptime, now_s);
  if (operation.kind == OperationKind::remove) {
    operation.hold_until_s = absolute_s;
  } else {
    operation.expire_s = absolute_s;
  }
  return operation;
}

bool counts_as_set(Command command) {
  switch (command) {
    case Command::set:
    case Command::add:
    case Command::replace:
    case Command::append:
    case Command::prepend:
    case Command::cas:
    case Command::touch:
    case Command::gat:
      return true;
    default:
      return false;
  }
}

void count(Counters& counters, const Request& request, const Outcome& outcome) {
  const bool missed = outcome.kind == OutcomeKind::not_found;
  switch (request.command) {
    case Command::cas:
      (missed                                ? counters.cas_misses
       : outcome.kind == OutcomeKind::exists ? counters.cas_badval
                                             : counters.cas_hits)
          .add();
      break;
    case Command::incr:
      (missed ? counters.incr_misses : counters.incr_hits).add();
      break;
    case Command::decr:
      (missed ? counters.decr_misses : counters.decr_hits).add();
      break;
    case Command::remove:
      (missed ? counters.delete_misses : counters.delete_hits).add();
      break;
    case Command::touch:
      counters.cmd_touch.add();
      (missed ? counters.touch_misses : counters.touch_hits).add();
      break;
    case Command::gat:
      counters.cmd_touch.add();  // in none of the others (protocol.md 5)
      break;
    default:
      break;
  }
  if (outcome.kind == OutcomeKind::stored) counters.total_items.add();
}

std::string_view answer_of(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::stored:
      return reply::stored;
    case OutcomeKind::not_stored:
      return reply::not_stored;
    case OutcomeKind::exists:
      return reply::exists;
    case OutcomeKind::not_found:
      return reply::not_found;
    case OutcomeKind::deleted:
      return reply::deleted;
    case OutcomeKind::touched:
      return reply::touched;
    case OutcomeKind::number:
      return {};
    case OutcomeKind::non_numeric:
      return "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n";
    case OutcomeKind::version_too_high:
      return "CLIENT_ERROR version too far above the present one\r\n";
    case OutcomeKind::too_large:
      return reply::too_large;
  }
  return {};
}

std::string_view answer_of(StorageError error) {
  switch (error) {
    case StorageError::out_of_space:
      return reply::out_of_disk_space;
    case StorageError::too_many_items:
    case StorageError::too_many_items_of_prefix:  // refuse_over_quota names the door
      return too_many_items_answer;
    case StorageError::too_many_bytes:
    case StorageError::too_many_bytes_of_prefix:
      return too_many_bytes_answer;
    case StorageError::io:
    case StorageError::damaged:
    case StorageError::too_old:
    case StorageError::sequence_gap:
    case StorageError::aborted:
      break;
  }
  return reply::io_error;
}

void append_answer(OutputBuffer& out, const Request& request, const Outcome& outcome) {
  if (request.noreply) return;
  if (request.command == Command::gat && outcome.kind == OutcomeKind::touched) return;
  if (outcome.kind == OutcomeKind::number) {
    append_number_line(out, outcome.number);
  } else {
    out.append(answer_of(outcome.kind));
  }
}

}  // namespace flare
