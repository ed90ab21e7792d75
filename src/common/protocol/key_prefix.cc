#include "common/protocol/key_prefix.h"

namespace flare {

// A new command does not compile before somebody has said here where its keys are: one that is forgotten would be done
// to another tenant's.
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wswitch"

KeysAt keys_at(const Request& request) {
  switch (request.command) {
    case Command::get:
    case Command::gets:
      return KeysAt::words;
    case Command::gat:
      return request.memcached_order ? KeysAt::words : KeysAt::key;
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
      return KeysAt::key;
    case Command::item:
      return KeysAt::item;
    case Command::flush_all:
    case Command::stats:
    case Command::version:
    case Command::verbosity:
    case Command::ping:
    case Command::quit:
    case Command::dump:
    case Command::dump_key:
    case Command::kill:
    case Command::salvage:
    case Command::show:
    case Command::node_sync:
    case Command::hello:
    case Command::noop:
    case Command::position:
    case Command::sasl:
    case Command::repl:
      return KeysAt::nowhere;
  }
  return KeysAt::nowhere;  // not reached: every member is above
}

#pragma GCC diagnostic pop

void KeyPrefixer::apply(std::string_view prefix, Request& request) {
  switch (keys_at(request)) {
    case KeysAt::nowhere:
    case KeysAt::words:
      return;
    case KeysAt::key:
      request.key = with_prefix(prefix, request.key);
      return;
    case KeysAt::item:
      item_ = *request.item;
      item_.key = with_prefix(prefix, item_.key);
      item_.hidden_key_bytes = static_cast<std::uint8_t>(prefix.size());
      request.item = &item_;
      request.key = item_.key;
      return;
  }
}

}  // namespace flare
