#include "flared/storage/operation.h"

#include <algorithm>
#include <charconv>

namespace flare {
namespace {

// design.md 1: a client may run ahead of the present version by this much, so that 2^64-1 cannot be written
// (protocol.md 9.8).
constexpr std::uint64_t version_lead_max = std::uint64_t{1} << 32;

// protocol.md 3: the states of a key.
enum class KeyState : std::uint8_t { alive, held, gone };

KeyState state_of(const Present& present, std::int64_t now_s) {
  if (present.record) return present.record->expired(now_s) ? KeyState::gone : KeyState::alive;
  return present.remembered_until_s > now_s ? KeyState::held : KeyState::gone;
}

RecordVersion version_of(const Present& present) {
  return present.record ? present.record->version : present.remembered_version;
}

// docs/replication.md 6: once a partition has had a second master, above all that the first could still give.
RecordVersion next_version(const Present& present) {
  return std::max(next(version_of(present)), present.version_floor);
}

// Nothing is changed.
Decision answer(OutcomeKind kind, const Present& present) {
  return {.outcome = {.kind = kind,
                      .version = version_of(present),
                      .expire_s = present.record ? present.record->expire_s : 0},
          .change = {}};
}

bool differs(const Operation& operation, const Present& present) {
  return operation.compare && *operation.compare != version_of(present);
}

bool too_high(const Operation& operation, RecordVersion present) {
  const auto asked = operation.version;
  return !operation.any_version && raw(asked) > raw(present) && raw(asked) - raw(present) > version_lead_max;
}

Decision store(OutcomeKind kind, const Change& change) {
  Decision decision{.outcome = {.kind = kind, .version = change.version, .expire_s = change.expire_s},
                    .change = change};
  decision.change.kind = ChangeKind::store;
  return decision;
}

// Two clusters that copy to each other hand each other's sets back: one must not undo the deletion that came after it.
bool is_old(const Operation& operation, KeyState state, RecordVersion before) {
  if (state != KeyState::alive && !(operation.copied && before != RecordVersion{0})) return false;
  return operation.version <= before;
}

// The last two rows of the set family: a version must be newer than an alive entry's; without one it is the next.
Decision store_versioned(const Operation& operation, const Present& present, KeyState state, Change change) {
  const auto before = version_of(present);
  if (operation.version == RecordVersion{0}) {
    change.version = next_version(present);
  } else {
    if (is_old(operation, state, before)) return answer(OutcomeKind::not_stored, present);
    if (too_high(operation, before)) return answer(OutcomeKind::version_too_high, present);
    change.version = operation.version;
  }
  return store(OutcomeKind::stored, change);
}

Change client_record(const Operation& operation) {
  return {.flags = operation.flags, .expire_s = operation.expire_s, .head = operation.data, .tail = {}};
}

Decision decide_join(const Operation& operation, const Present& present, KeyState state, std::size_t data_bytes_max) {
  if (state != KeyState::alive) return answer(OutcomeKind::not_stored, present);
  if (differs(operation, present)) return answer(OutcomeKind::exists, present);
  const RecordView& old = *present.record;
  if (operation.data.size() > data_bytes_max || old.data.size() > data_bytes_max - operation.data.size()) {
    return answer(OutcomeKind::too_large, present);
  }
  Change change{.flags = old.flags, .expire_s = old.expire_s, .head = old.data, .tail = operation.data};
  if (operation.kind == OperationKind::prepend) std::swap(change.head, change.tail);
  return store_versioned(operation, present, state, change);
}

Decision decide_cas(const Operation& operation, const Present& present, KeyState state) {
  if (state == KeyState::gone || !operation.compare) return answer(OutcomeKind::not_found, present);
  const auto before = version_of(present);
  const bool stale = state == KeyState::alive && operation.stale_if_older && *operation.compare < before;
  if (*operation.compare != before && !stale) return answer(OutcomeKind::exists, present);
  auto change = client_record(operation);
  change.version = next_version(present);
  auto decision = store(OutcomeKind::stored, change);
  decision.outcome.stale = stale;
  return decision;
}

// mg N, ma N and the binary initial value. A held key (delete with a time) is created by `set` only.
Decision decide_create(const Operation& operation, const Present& present, KeyState state, OutcomeKind kind) {
  if (state != KeyState::gone || !operation.creation) return answer(OutcomeKind::not_found, present);
  auto decision = store(kind, {.flags = operation.flags,
                               .expire_s = operation.new_expire_s.value_or(operation.creation->expire_s),
                               .version = next_version(present),
                               .head = operation.creation->data,
                               .tail = {}});
  decision.outcome.created = true;
  decision.outcome.former_expire_s = operation.creation->expire_s;
  return decision;
}

constexpr std::string_view spaces = " \t\n\v\f\r";

// As memcached 1.6.18: digits that fit 64 bits, behind spaces and a plus; after a space whatever follows is ignored
// (design.md 1 in place of protocol.md 8.5).
std::optional<std::uint64_t> read_number(std::string_view data) {
  data.remove_prefix(std::min(data.find_first_not_of(spaces), data.size()));
  if (data.starts_with('+')) data.remove_prefix(1);
  std::uint64_t number = 0;
  const char* const data_end = data.data() + data.size();
  const auto [end, error] = std::from_chars(data.data(), data_end, number);
  if (error != std::errc{}) return std::nullopt;
  if (end != data_end && spaces.find(*end) == std::string_view::npos) return std::nullopt;
  return number;
}

Decision decide_arithmetic(const Operation& operation, const Present& present, KeyState state, NumberText& text) {
  if (state != KeyState::alive) {
    auto decision = decide_create(operation, present, state, OutcomeKind::number);
    if (decision.outcome.created) decision.outcome.number = read_number(operation.creation->data).value_or(0);
    return decision;
  }
  if (differs(operation, present)) return answer(OutcomeKind::exists, present);
  const RecordView& old = *present.record;
  const auto before = read_number(old.data);
  if (!before) return answer(OutcomeKind::non_numeric, present);

  const auto after = operation.kind == OperationKind::incr ? *before + operation.delta  // wraps at 2^64
                                                           : *before - std::min(*before, operation.delta);
  const auto end = std::to_chars(std::begin(text.digits), std::end(text.digits), after).ptr;
  auto decision = store(OutcomeKind::number, {.flags = old.flags,
                                              .expire_s = operation.new_expire_s.value_or(old.expire_s),
                                              .version = next_version(present),
                                              .head = {text.digits, static_cast<std::size_t>(end - text.digits)},
                                              .tail = {}});
  decision.outcome.former_expire_s = old.expire_s;
  decision.outcome.number = after;
  return decision;
}

// Else two clusters that copy to each other would tell each other of one deletion for ever.
bool is_news(const Operation& operation, const Present& deleted) {
  if (operation.version == RecordVersion{0}) return false;
  return operation.version > deleted.remembered_version || operation.hold_until_s > deleted.remembered_until_s;
}

Decision decide_remove(const Operation& operation, const Present& present, KeyState state) {
  if (state == KeyState::alive && differs(operation, present)) return answer(OutcomeKind::exists, present);
  const auto before = version_of(present);
  if (operation.version != RecordVersion{0} && operation.version < before)
    return answer(OutcomeKind::not_found, present);
  if (too_high(operation, before)) return answer(OutcomeKind::version_too_high, present);

  Decision decision{.outcome = {.kind = state == KeyState::alive ? OutcomeKind::deleted : OutcomeKind::not_found,
                                .version = std::max(operation.version, before)},
                    .change = {}};
  decision.change = {
      .version = decision.outcome.version, .head = {}, .tail = {}, .hold_until_s = operation.hold_until_s};
  if (present.record) {
    decision.change.kind = ChangeKind::remove;
  } else if (is_news(operation, present)) {
    decision.change.kind = ChangeKind::remember;
  }
  return decision;
}

// The record stays, under the next version: who holds the old one cannot store by it (memcached's md I).
Decision decide_invalidate(const Operation& operation, const Present& present, KeyState state) {
  if (state != KeyState::alive) return answer(OutcomeKind::not_found, present);
  if (differs(operation, present)) return answer(OutcomeKind::exists, present);
  const RecordView& old = *present.record;
  auto decision = store(OutcomeKind::deleted, {.flags = old.flags,
                                               .expire_s = operation.new_expire_s.value_or(old.expire_s),
                                               .version = next_version(present),
                                               .head = old.data,
                                               .tail = {}});
  decision.outcome.stale = true;
  return decision;
}

// The version stays, so it cannot end a touch's way round between two clusters that copy to each other. That the time
// is there already does.
Decision touched(const Present& present, std::int64_t expire_s) {
  const RecordView& old = *present.record;
  auto decision = answer(OutcomeKind::touched, present);
  decision.outcome.expire_s = expire_s;
  decision.outcome.unchanged = old.expire_s == expire_s;
  decision.change = {.kind = decision.outcome.unchanged ? ChangeKind::none : ChangeKind::touch,
                     .flags = old.flags,
                     .expire_s = expire_s,
                     .version = old.version,
                     .head = old.data,
                     .tail = {}};
  return decision;
}

RecordView record_of(const Change& change) { return {change.flags, change.expire_s, change.version, change.head}; }

Decision decide_touch(const Operation& operation, const Present& present, KeyState state) {
  if (state != KeyState::alive) return answer(OutcomeKind::not_found, present);
  if (differs(operation, present)) return answer(OutcomeKind::exists, present);
  auto decision = touched(present, operation.expire_s);
  if (operation.kind == OperationKind::gat) decision.shown = record_of(decision.change);
  return decision;
}

// memcached's mg tells the time that was left before T gave a new one; the outcome has the new one.
Decision decide_fetch(const Operation& operation, const Present& present, KeyState state) {
  if (state != KeyState::alive) {
    auto decision = decide_create(operation, present, state, OutcomeKind::touched);
    if (decision.outcome.created) decision.shown = record_of(decision.change);
    return decision;
  }
  auto decision =
      operation.new_expire_s ? touched(present, *operation.new_expire_s) : answer(OutcomeKind::touched, present);
  decision.shown = *present.record;
  return decision;
}

// Between the sweep's look and this step a client may have stored the key anew.
Decision decide_reclaim(const Operation& operation, const Present& present, KeyState state) {
  if (!present.record || state == KeyState::alive) return answer(OutcomeKind::not_found, present);
  return decide_remove(operation, present, KeyState::alive);
}

// Not a deletion: where the key lives now it stays (docs/replication.md 7).
Decision decide_drop(const Present& present) {
  if (!present.record) return answer(OutcomeKind::not_found, present);
  return {.outcome = {.kind = OutcomeKind::deleted}, .change = {.kind = ChangeKind::remove}};
}

}  // namespace

Change decide_dumped(const RecordView& record, const Present& present) {
  const auto before = version_of(present);
  if (before != RecordVersion{0} && record.version <= before) return {};
  return {.kind = ChangeKind::store,
          .flags = record.flags,
          .expire_s = record.expire_s,
          .version = record.version,
          .head = record.data,
          .tail = {}};
}

Decision decide(const Operation& operation, const Present& present, std::int64_t now_s, std::size_t data_bytes_max,
                NumberText& number) {
  const auto state = state_of(present, now_s);
  switch (operation.kind) {
    case OperationKind::add:
      if (state != KeyState::gone) return answer(OutcomeKind::not_stored, present);
      [[fallthrough]];
    case OperationKind::set:
      return store_versioned(operation, present, state, client_record(operation));
    case OperationKind::replace:
      if (state != KeyState::alive) return answer(OutcomeKind::not_stored, present);
      return store_versioned(operation, present, state, client_record(operation));
    case OperationKind::append:
    case OperationKind::prepend:
      return decide_join(operation, present, state, data_bytes_max);
    case OperationKind::cas:
      return decide_cas(operation, present, state);
    case OperationKind::incr:
    case OperationKind::decr:
      return decide_arithmetic(operation, present, state, number);
    case OperationKind::remove:
      return decide_remove(operation, present, state);
    case OperationKind::touch:
    case OperationKind::gat:
      return decide_touch(operation, present, state);
    case OperationKind::fetch:
      return decide_fetch(operation, present, state);
    case OperationKind::invalidate:
      return decide_invalidate(operation, present, state);
    case OperationKind::reclaim:
      return decide_reclaim(operation, present, state);
    case OperationKind::drop:
      return decide_drop(present);
  }
  return answer(OutcomeKind::not_stored, present);  // not reached: every member is above
}

}  // namespace flare
