#include "flared/item_operations.h"

#include <charconv>

#include "common/protocol/exptime.h"

namespace flare {
namespace {

// memcached 1.6.18: set and replace with a version to compare are a cas; add asks for absence only.
OperationKind store_kind(const ItemRequest& request) {
  switch (request.mode) {
    case StoreMode::set:
      return request.compare ? OperationKind::cas : OperationKind::set;
    case StoreMode::add:
      return OperationKind::add;
    case StoreMode::append:
      return OperationKind::append;
    case StoreMode::prepend:
      return OperationKind::prepend;
    case StoreMode::replace:
      return request.compare ? OperationKind::cas : OperationKind::replace;
  }
  return OperationKind::set;  // not reached: every member is above
}

OperationKind kind_of(const ItemRequest& request) {
  switch (request.verb) {
    case ItemVerb::get:
    case ItemVerb::debug:
      return OperationKind::fetch;
    case ItemVerb::store:
      return store_kind(request);
    case ItemVerb::remove:
      return request.invalidate ? OperationKind::invalidate : OperationKind::remove;
    case ItemVerb::arithmetic:
      return request.decrement ? OperationKind::decr : OperationKind::incr;
  }
  return OperationKind::fetch;  // not reached: every member is above
}

std::string_view digits_of(std::uint64_t initial, NumberText& number) {
  const auto end = std::to_chars(std::begin(number.digits), std::end(number.digits), initial).ptr;
  return {number.digits, static_cast<std::size_t>(end - number.digits)};
}

ItemStatus status_of(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::stored:
    case OutcomeKind::deleted:
    case OutcomeKind::touched:
    case OutcomeKind::number:
      return ItemStatus::done;
    case OutcomeKind::not_stored:
      return ItemStatus::not_stored;
    case OutcomeKind::exists:
      return ItemStatus::exists;
    case OutcomeKind::not_found:
      return ItemStatus::missing;
    case OutcomeKind::non_numeric:
      return ItemStatus::non_numeric;
    case OutcomeKind::too_large:
      return ItemStatus::too_large;
    case OutcomeKind::version_too_high:
      return ItemStatus::exists;  // not reached: items carry no version of their own
  }
  return ItemStatus::failed;  // not reached: every member is above
}

void count_get(Counters& counters, const ItemRequest& request, bool missed) {
  const bool touches = request.exptime.has_value();
  if (touches) counters.cmd_touch.add();
  if (touches) (missed ? counters.touch_misses : counters.touch_hits).add();
  if (touches && !request.wants_value) return;  // the binary touch
  (missed ? counters.get_misses : counters.get_hits).add();
}

void count_arithmetic(Counters& counters, const ItemRequest& request, bool missed) {
  if (request.decrement) {
    (missed ? counters.decr_misses : counters.decr_hits).add();
  } else {
    (missed ? counters.incr_misses : counters.incr_hits).add();
  }
}

void count_store(Counters& counters, const ItemRequest& request, ItemStatus status) {
  if (status == ItemStatus::done) counters.total_items.add();
  if (!request.compare) return;
  if (status == ItemStatus::done) counters.cas_hits.add();
  if (status == ItemStatus::missing) counters.cas_misses.add();
  if (status == ItemStatus::exists) counters.cas_badval.add();
}

}  // namespace

bool changes_entry(const ItemRequest& request) {
  if (request.verb == ItemVerb::debug) return false;
  return request.verb != ItemVerb::get || request.exptime || request.vivify_exptime;
}

bool needs_master(const ItemRequest& request) {
  return changes_entry(request) || request.sees_marks || request.verb == ItemVerb::debug;
}

Operation to_operation(const ItemRequest& request, std::int64_t now_s, NumberText& number) {
  Operation operation;
  operation.kind = kind_of(request);
  operation.key = request.key;
  operation.data = request.data;
  operation.flags = request.flags;
  operation.delta = request.delta;
  if (request.compare) operation.compare = RecordVersion{*request.compare};
  operation.stale_if_older = request.verb == ItemVerb::store && request.invalidate;
  const auto expire_s = absolute_expire_s(request.exptime.value_or(0), now_s);
  if (request.verb == ItemVerb::store) {
    operation.expire_s = expire_s;
  } else if (request.exptime) {
    operation.new_expire_s = expire_s;
  }
  if (request.vivify_exptime) {
    const bool counts = request.verb == ItemVerb::arithmetic;
    operation.creation = Creation{counts ? digits_of(request.initial, number) : std::string_view{},
                                  absolute_expire_s(*request.vivify_exptime, now_s)};
  }
  return operation;
}

ItemResult to_result(const ItemRequest& request, const Outcome& outcome) {
  ItemResult result;
  result.status = status_of(outcome.kind);
  result.version = raw(outcome.version);
  result.expire_s = outcome.former_expire_s;
  if (request.verb == ItemVerb::arithmetic) result.number = outcome.number;
  return result;
}

ItemResult to_result(const ItemRequest& request, const RecordView& record) {
  ItemResult result;
  result.status = ItemStatus::done;
  result.version = raw(record.version);
  result.flags = record.flags;
  result.expire_s = record.expire_s;
  result.data_bytes = record.data.size();
  if (request.wants_value) result.data = record.data;
  return result;
}

void count(Counters& counters, const ItemRequest& request, const ItemResult& result) {
  const bool missed = result.status == ItemStatus::missing;
  switch (request.verb) {
    case ItemVerb::get:
      return count_get(counters, request, missed);
    case ItemVerb::store:
      return count_store(counters, request, result.status);
    case ItemVerb::remove:
      (missed ? counters.delete_misses : counters.delete_hits).add();
      return;
    case ItemVerb::arithmetic:
      return count_arithmetic(counters, request, missed);
    case ItemVerb::debug:
      return;
  }
}

}  // namespace flare
