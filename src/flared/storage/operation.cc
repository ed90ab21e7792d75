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

Decision answer(OutcomeKind kind, RecordVersion version) {
  return {.outcome = {.kind = kind, .version = version}, .change = {}};
}

bool too_high(RecordVersion asked, RecordVersion present) {
  return raw(asked) > raw(present) && raw(asked) - raw(present) > version_lead_max;
}

Decision store(OutcomeKind kind, const Change& change) {
  Decision decision{.outcome = {.kind = kind, .version = change.version}, .change = change};
  decision.change.kind = ChangeKind::store;
  return decision;
}

// The last two rows of the set family: a version must be newer than an alive entry's; without one it is the next.
Decision store_versioned(const Operation& operation, const Present& present, KeyState state, Change change) {
  const auto before = version_of(present);
  if (operation.version == RecordVersion{0}) {
    change.version = next(before);
  } else {
    if (state == KeyState::alive && operation.version <= before) return answer(OutcomeKind::not_stored, before);
    if (too_high(operation.version, before)) return answer(OutcomeKind::version_too_high, before);
    change.version = operation.version;
  }
  return store(OutcomeKind::stored, change);
}

Change client_record(const Operation& operation) {
  return {.flags = operation.flags, .expire_s = operation.expire_s, .head = operation.data, .tail = {}};
}

Decision decide_join(const Operation& operation, const Present& present, KeyState state, std::size_t data_bytes_max) {
  if (state != KeyState::alive) return answer(OutcomeKind::not_stored, version_of(present));
  const RecordView& old = *present.record;
  if (operation.data.size() > data_bytes_max || old.data.size() > data_bytes_max - operation.data.size()) {
    return answer(OutcomeKind::too_large, old.version);
  }
  Change change{.flags = old.flags, .expire_s = old.expire_s, .head = old.data, .tail = operation.data};
  if (operation.kind == OperationKind::prepend) std::swap(change.head, change.tail);
  return store_versioned(operation, present, state, change);
}

Decision decide_cas(const Operation& operation, const Present& present, KeyState state) {
  if (state == KeyState::gone) return answer(OutcomeKind::not_found, version_of(present));
  if (operation.version != version_of(present)) return answer(OutcomeKind::exists, version_of(present));
  auto change = client_record(operation);
  change.version = next(operation.version);
  return store(OutcomeKind::stored, change);
}

// memcached 1.6.18: digits that fit 64 bits, and nothing but spaces behind them (design.md 1 in place of
// protocol.md 8.5).
std::optional<std::uint64_t> read_number(std::string_view data) {
  const auto last = data.find_last_not_of(' ');
  data = data.substr(0, last == std::string_view::npos ? 0 : last + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(data.data(), data.data() + data.size(), number);
  if (error != std::errc{} || end != data.data() + data.size()) return std::nullopt;
  return number;
}

Decision decide_arithmetic(const Operation& operation, const Present& present, KeyState state, NumberText& text) {
  if (state != KeyState::alive) return answer(OutcomeKind::not_found, version_of(present));
  const RecordView& old = *present.record;
  const auto before = read_number(old.data);
  if (!before) return answer(OutcomeKind::non_numeric, old.version);

  const auto after = operation.kind == OperationKind::incr ? *before + operation.delta  // wraps at 2^64
                                                           : *before - std::min(*before, operation.delta);
  const auto end = std::to_chars(std::begin(text.digits), std::end(text.digits), after).ptr;
  auto decision = store(OutcomeKind::number, {.flags = old.flags,
                                              .expire_s = old.expire_s,
                                              .version = next(old.version),
                                              .head = {text.digits, static_cast<std::size_t>(end - text.digits)},
                                              .tail = {}});
  decision.outcome.number = after;
  return decision;
}

Decision decide_remove(const Operation& operation, const Present& present, KeyState state) {
  const auto before = version_of(present);
  if (operation.version != RecordVersion{0} && operation.version < before)
    return answer(OutcomeKind::not_found, before);
  if (too_high(operation.version, before)) return answer(OutcomeKind::version_too_high, before);

  Decision decision = answer(state == KeyState::alive ? OutcomeKind::deleted : OutcomeKind::not_found,
                             std::max(operation.version, before));
  decision.change = {
      .version = decision.outcome.version, .head = {}, .tail = {}, .hold_until_s = operation.hold_until_s};
  if (present.record) {
    decision.change.kind = ChangeKind::remove;
  } else if (operation.version != RecordVersion{0}) {
    decision.change.kind = ChangeKind::remember;
  }
  return decision;
}

Decision decide_touch(const Operation& operation, const Present& present, KeyState state) {
  if (state != KeyState::alive) return answer(OutcomeKind::not_found, version_of(present));
  const RecordView& old = *present.record;
  auto decision = answer(OutcomeKind::touched, old.version);
  decision.change = {.kind = ChangeKind::touch,
                     .flags = old.flags,
                     .expire_s = operation.expire_s,
                     .version = old.version,
                     .head = old.data,
                     .tail = {}};
  return decision;
}

// Between the sweep's look and this step a client may have stored the key anew.
Decision decide_reclaim(const Operation& operation, const Present& present, KeyState state) {
  if (!present.record || state == KeyState::alive) return answer(OutcomeKind::not_found, version_of(present));
  return decide_remove(operation, present, KeyState::alive);
}

}  // namespace

Decision decide(const Operation& operation, const Present& present, std::int64_t now_s, std::size_t data_bytes_max,
                NumberText& number) {
  const auto state = state_of(present, now_s);
  switch (operation.kind) {
    case OperationKind::add:
      if (state != KeyState::gone) return answer(OutcomeKind::not_stored, version_of(present));
      [[fallthrough]];
    case OperationKind::set:
      return store_versioned(operation, present, state, client_record(operation));
    case OperationKind::replace:
      if (state != KeyState::alive) return answer(OutcomeKind::not_stored, version_of(present));
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
    case OperationKind::reclaim:
      return decide_reclaim(operation, present, state);
  }
  return answer(OutcomeKind::not_stored, version_of(present));  // not reached: every member is above
}

}  // namespace flare
