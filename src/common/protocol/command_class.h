#pragma once

#include <cstdint>
#include <string_view>

#include "common/protocol/index_request.h"
#include "common/protocol/request.h"
#include "common/protocol/words.h"

/// Who may ask what (docs/security.md): each command needs one of some classes. Pure, without allocation.
namespace flare {

/// `read`: what changes no entry. A door's word `data` means `read` and `data`; a user may have `read` alone.
enum class AccessClass : std::uint8_t { data = 1, cluster = 2, admin = 4, read = 8 };

/// A set of classes: what a connection was granted, or of which one is enough.
class AccessClasses {
 public:
  constexpr AccessClasses() = default;  // none
  constexpr AccessClasses(AccessClass one) : bits_(static_cast<std::uint8_t>(one)) {}
  static constexpr AccessClasses all() { return AccessClasses{15}; }

  constexpr bool has_any_of(AccessClasses other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr std::uint8_t bits() const { return bits_; }
  constexpr AccessClasses operator|(AccessClasses other) const {
    return AccessClasses{static_cast<std::uint8_t>(bits_ | other.bits_)};
  }
  constexpr AccessClasses operator&(AccessClasses other) const {
    return AccessClasses{static_cast<std::uint8_t>(bits_ & other.bits_)};
  }
  constexpr AccessClasses without(AccessClasses other) const {
    return AccessClasses{static_cast<std::uint8_t>(bits_ & ~other.bits_)};
  }
  constexpr bool operator==(const AccessClasses&) const = default;

 private:
  constexpr explicit AccessClasses(std::uint8_t bits) : bits_(bits) {}
  std::uint8_t bits_ = 0;
};

constexpr AccessClasses operator|(AccessClass a, AccessClass b) { return AccessClasses{a} | AccessClasses{b}; }

// A new command does not compile before somebody has said here who may ask it.
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wswitch"

/// At flared. One of the classes is enough.
constexpr AccessClasses classes_for(Command command) {
  using enum AccessClass;
  switch (command) {
    case Command::get:
    case Command::gets:
      return read | data | cluster;  // the other nodes pass on what their clients ask
    case Command::set:
    case Command::add:
    case Command::replace:
    case Command::append:
    case Command::prepend:
    case Command::cas:
    case Command::incr:
    case Command::decr:
    case Command::remove:
    case Command::touch:
    case Command::gat:
    case Command::item:
      return data | cluster;
    case Command::stats:
    case Command::version:
    case Command::verbosity:
    case Command::ping:
    case Command::noop:
    case Command::quit:
      return AccessClasses::all();
    case Command::dump:
    case Command::dump_key:
      return cluster | admin;  // an original builds its slaves by them, operators save data
    case Command::node_sync:
    case Command::position:
    case Command::repl:
    case Command::hello:
      return cluster;
    case Command::flush_all:
    case Command::kill:
    case Command::salvage:
    case Command::show:
      return admin;
  }
  return {};  // not reached: every member is above
}

/// At flarei. One of the classes is enough.
constexpr AccessClasses classes_for(IndexCommand command) {
  using enum AccessClass;
  switch (command) {
    case IndexCommand::ping:
    case IndexCommand::stats:
    case IndexCommand::meta:
    case IndexCommand::verbosity:
    case IndexCommand::version:
    case IndexCommand::quit:
      return AccessClasses::all();
    case IndexCommand::node_insync:
    case IndexCommand::node_offer:
    case IndexCommand::hello:
      return cluster;
    case IndexCommand::node_add:
    case IndexCommand::node_state:
    case IndexCommand::shutdown:
      return cluster | admin;  // nodes speak for themselves, operators for nodes
    case IndexCommand::node_role:
    case IndexCommand::node_remove:
    case IndexCommand::node_adopt:
    case IndexCommand::kill:
    case IndexCommand::show:
      return admin;
  }
  return {};  // not reached: every member is above
}

#pragma GCC diagnostic pop

/// Most of `stats` is for everybody. Who else is connected, and from where, is not for the clients of a tenant, nor is
/// setting back what an operator watches.
inline AccessClasses classes_for_stats(std::string_view words) {
  const auto word = Words{words}.next();
  if (word == "reset") return AccessClass::admin;
  if (word == "conns" || word == "threads") return AccessClass::cluster | AccessClass::admin;
  return AccessClasses::all();
}

/// What asks for entries or changes them.
constexpr bool is_about_data(Command command) {
  const auto classes = classes_for(command);
  return classes.has_any_of(AccessClass::data) && classes != AccessClasses::all();
}

/// A get that may touch, make or mark its entry is no mere reading (protocol.md 3).
constexpr bool only_reads(const ItemRequest& item) {
  if (item.verb == ItemVerb::debug) return true;
  return item.verb == ItemVerb::get && !item.exptime && !item.vivify_exptime && !item.recache_s;
}

/// A proxy prefix is a word among nodes: it makes a client's request one of the cluster.
inline AccessClasses classes_for(const Request& request) {
  if (request.command == Command::stats) return classes_for_stats(request.rest);
  if (request.proxied && is_about_data(request.command)) return AccessClass::cluster;
  const auto classes = classes_for(request.command);
  if (request.item && only_reads(*request.item)) return classes | AccessClass::read;
  return classes;
}

/// The word for logs and tables; empty for what is no member.
std::string_view name_of(Command command);
std::string_view name_of(IndexCommand command);

/// `data`, `cluster or admin`, ...
std::string_view to_text(AccessClasses classes);
/// `CLIENT_ERROR access denied (class admin needed)`, with its line end.
std::string_view denied_answer(AccessClasses needed);

}  // namespace flare
