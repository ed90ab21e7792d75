#pragma once

#include <array>
#include <cstdint>

#include "common/protocol/item_request.h"
#include "common/protocol/request.h"

/// The operation codes of memcached 1.6's binary protocol (docs/spec/protocol.md 4). Pure.
namespace flare {

/// What the body of an opcode's request holds.
enum class BinaryBody : std::uint8_t {
  unknown,      // whatever it is, it is skipped
  key,          // get, delete
  exptime_key,  // touch, get and touch
  store,        // flags, exptime, key, value
  append,       // key, value
  arithmetic,   // delta, initial, exptime, key
  nothing,      // quit, noop, version, list of SASL mechanisms
  delay,        // flush: may be absent
  words,        // stat: as its key, may be absent
  level,        // verbosity
  key_value,    // SASL
};

struct BinaryOpcode {
  BinaryBody body = BinaryBody::unknown;
  Command command = Command::item;
  ItemVerb verb = ItemVerb::get;
  StoreMode mode = StoreMode::set;
  bool quiet = false;
  bool tells_key = false;    // get
  bool wants_value = false;  // get
  bool decrement = false;
  bool served = true;  // false: not known; SASL is served by Command::sasl where there are users
};

namespace binary_opcodes {

constexpr BinaryOpcode get_like(BinaryBody body, bool quiet, bool tells_key, bool wants_value = true) {
  BinaryOpcode opcode;
  opcode.body = body;
  opcode.quiet = quiet;
  opcode.tells_key = tells_key;
  opcode.wants_value = wants_value;
  return opcode;
}

constexpr BinaryOpcode write(BinaryBody body, ItemVerb verb, bool quiet) {
  BinaryOpcode opcode;
  opcode.body = body;
  opcode.verb = verb;
  opcode.quiet = quiet;
  return opcode;
}

constexpr BinaryOpcode store(BinaryBody body, StoreMode mode, bool quiet) {
  auto opcode = write(body, ItemVerb::store, quiet);
  opcode.mode = mode;
  return opcode;
}

constexpr BinaryOpcode arithmetic(bool decrement, bool quiet) {
  auto opcode = write(BinaryBody::arithmetic, ItemVerb::arithmetic, quiet);
  opcode.decrement = decrement;
  opcode.wants_value = true;
  return opcode;
}

constexpr BinaryOpcode admin(BinaryBody body, Command command, bool quiet = false) {
  BinaryOpcode opcode;
  opcode.body = body;
  opcode.command = command;
  opcode.quiet = quiet;
  return opcode;
}

constexpr BinaryOpcode not_served(BinaryBody body) {
  BinaryOpcode opcode;
  opcode.body = body;
  opcode.served = false;
  return opcode;
}

constexpr BinaryOpcode sasl(BinaryBody body) {
  auto opcode = not_served(body);
  opcode.command = Command::sasl;
  return opcode;
}

constexpr std::size_t known = 0x25;

constexpr std::array<BinaryOpcode, known> make_table() {
  using enum StoreMode;
  std::array<BinaryOpcode, known> table{};
  for (auto& opcode : table) opcode.served = false;
  table[0x00] = get_like(BinaryBody::key, false, false);
  table[0x01] = store(BinaryBody::store, set, false);
  table[0x02] = store(BinaryBody::store, add, false);
  table[0x03] = store(BinaryBody::store, replace, false);
  table[0x04] = write(BinaryBody::key, ItemVerb::remove, false);
  table[0x05] = arithmetic(false, false);
  table[0x06] = arithmetic(true, false);
  table[0x07] = admin(BinaryBody::nothing, Command::quit);
  table[0x08] = admin(BinaryBody::delay, Command::flush_all);
  table[0x09] = get_like(BinaryBody::key, true, false);
  table[0x0a] = admin(BinaryBody::nothing, Command::noop);
  table[0x0b] = admin(BinaryBody::nothing, Command::version);
  table[0x0c] = get_like(BinaryBody::key, false, true);
  table[0x0d] = get_like(BinaryBody::key, true, true);
  table[0x0e] = store(BinaryBody::append, append, false);
  table[0x0f] = store(BinaryBody::append, prepend, false);
  table[0x10] = admin(BinaryBody::words, Command::stats);
  table[0x11] = store(BinaryBody::store, set, true);
  table[0x12] = store(BinaryBody::store, add, true);
  table[0x13] = store(BinaryBody::store, replace, true);
  table[0x14] = write(BinaryBody::key, ItemVerb::remove, true);
  table[0x15] = arithmetic(false, true);
  table[0x16] = arithmetic(true, true);
  table[0x17] = admin(BinaryBody::nothing, Command::quit, true);
  table[0x18] = admin(BinaryBody::delay, Command::flush_all, true);
  table[0x19] = store(BinaryBody::append, append, true);
  table[0x1a] = store(BinaryBody::append, prepend, true);
  table[0x1b] = admin(BinaryBody::level, Command::verbosity);
  table[0x1c] = get_like(BinaryBody::exptime_key, false, false, false);
  table[0x1d] = get_like(BinaryBody::exptime_key, false, false);
  table[0x1e] = get_like(BinaryBody::exptime_key, true, false);
  table[0x20] = sasl(BinaryBody::nothing);    // SASL: list of mechanisms
  table[0x21] = sasl(BinaryBody::key_value);  // SASL: begin
  table[0x22] = sasl(BinaryBody::key_value);  // SASL: next step
  table[0x23] = get_like(BinaryBody::exptime_key, false, true);
  table[0x24] = get_like(BinaryBody::exptime_key, true, true);
  return table;
}

inline constexpr auto table = make_table();
inline constexpr BinaryOpcode none = not_served(BinaryBody::unknown);

}  // namespace binary_opcodes

constexpr const BinaryOpcode& binary_opcode(std::uint8_t number) {
  return number < binary_opcodes::known ? binary_opcodes::table[number] : binary_opcodes::none;
}

}  // namespace flare
