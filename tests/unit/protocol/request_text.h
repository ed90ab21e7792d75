#pragma once

#include <string>

#include "common/protocol/request.h"
#include "unit/protocol/item_text.h"

/// A request as a short line that tables of tests can name.
namespace flare::test {

inline std::string command_word(Command command) {
  switch (command) {
    case Command::get:
      return "get";
    case Command::gets:
      return "gets";
    case Command::set:
      return "set";
    case Command::add:
      return "add";
    case Command::replace:
      return "replace";
    case Command::append:
      return "append";
    case Command::prepend:
      return "prepend";
    case Command::cas:
      return "cas";
    case Command::incr:
      return "incr";
    case Command::decr:
      return "decr";
    case Command::remove:
      return "delete";
    case Command::touch:
      return "touch";
    case Command::gat:
      return "gat";
    case Command::flush_all:
      return "flush_all";
    case Command::stats:
      return "stats";
    case Command::version:
      return "version";
    case Command::verbosity:
      return "verbosity";
    case Command::ping:
      return "ping";
    case Command::quit:
      return "quit";
    case Command::dump:
      return "dump";
    case Command::dump_key:
      return "dump_key";
    case Command::kill:
      return "kill";
    case Command::salvage:
      return "salvage";
    case Command::show:
      return "show";
    case Command::node_sync:
      return "node_sync";
    case Command::repl:
      return "repl";
    case Command::item:
      return "item";
    case Command::noop:
      return "noop";
    case Command::sasl:
      return "sasl";
    case Command::position:
      return "position";
    case Command::hello:
      return "hello";
  }
  return "?";
}

/// The command word and every field that is not at its default.
inline std::string text_of(const Request& request) {
  std::string text = command_word(request.command);
  const auto add = [&text](const std::string& name, const std::string& value) { text += ' ' + name + '=' + value; };
  if (request.proxied) add("prefix", std::string{request.prefix});
  if (request.item != nullptr) return text + ' ' + text_of(*request.item);
  if (!request.key.empty()) add("key", std::string{request.key});
  if (!request.rest.empty()) add("rest", '"' + std::string{request.rest} + '"');
  if (request.flags != 0) add("flags", std::to_string(request.flags));
  if (request.exptime != 0) add("exptime", std::to_string(request.exptime));
  if (request.version != 0) add("version", std::to_string(request.version));
  if (request.delta != 0) add("delta", std::to_string(request.delta));
  if (!request.data.empty()) add("data", '"' + std::string{request.data} + '"');
  if (request.memcached_order) text += " memcached_order";
  if (request.with_version) text += " with_version";
  if (request.noreply) text += " noreply";
  if (request.sync) text += " sync";
  if (request.async) text += " async";
  if (request.wait_us != 0) add("wait", std::to_string(request.wait_us));
  if (request.partition != -1) add("partition", std::to_string(request.partition));
  if (request.partition_size != 0) add("size", std::to_string(request.partition_size));
  if (request.bandwidth_kb_s != 0) add("kb_s", std::to_string(request.bandwidth_kb_s));
  if (request.kill_id != 0) add("id", std::to_string(request.kill_id));
  return text;
}

}  // namespace flare::test
