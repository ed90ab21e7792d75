#include "common/protocol/command_class.h"

#include <array>

namespace flare {
namespace {

// By the bits: 1 data, 2 cluster, 4 admin, 8 read.
constexpr std::array<std::string_view, 16> class_texts{
    "none",
    "data",
    "cluster",
    "data or cluster",
    "admin",
    "data or admin",
    "cluster or admin",
    "data, cluster or admin",
    "read",
    "read or data",
    "read or cluster",
    "read, data or cluster",
    "read or admin",
    "read, data or admin",
    "read, cluster or admin",
    "read, data, cluster or admin",
};
constexpr std::array<std::string_view, 16> denials{
    "CLIENT_ERROR access denied\r\n",
    "CLIENT_ERROR access denied (class data needed)\r\n",
    "CLIENT_ERROR access denied (class cluster needed)\r\n",
    "CLIENT_ERROR access denied (class data or cluster needed)\r\n",
    "CLIENT_ERROR access denied (class admin needed)\r\n",
    "CLIENT_ERROR access denied (class data or admin needed)\r\n",
    "CLIENT_ERROR access denied (class cluster or admin needed)\r\n",
    "CLIENT_ERROR access denied (class data, cluster or admin needed)\r\n",
    "CLIENT_ERROR access denied (class read needed)\r\n",
    "CLIENT_ERROR access denied (class read or data needed)\r\n",
    "CLIENT_ERROR access denied (class read or cluster needed)\r\n",
    "CLIENT_ERROR access denied (class read, data or cluster needed)\r\n",
    "CLIENT_ERROR access denied (class read or admin needed)\r\n",
    "CLIENT_ERROR access denied (class read, data or admin needed)\r\n",
    "CLIENT_ERROR access denied (class read, cluster or admin needed)\r\n",
    "CLIENT_ERROR access denied (class read, data, cluster or admin needed)\r\n",
};

}  // namespace

std::string_view name_of(Command command) {
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
      return "salvage acknowledge";
    case Command::show:
      return "show variables";
    case Command::node_sync:
      return "node sync";
    case Command::item:
      return "item";
    case Command::noop:
      return "noop";
    case Command::position:
      return "position";
    case Command::repl:
      return "repl";
    case Command::hello:
      return "hello";
  }
  return {};
}

std::string_view name_of(IndexCommand command) {
  switch (command) {
    case IndexCommand::ping:
      return "ping";
    case IndexCommand::stats:
      return "stats";
    case IndexCommand::node_add:
      return "node add";
    case IndexCommand::node_role:
      return "node role";
    case IndexCommand::node_state:
      return "node state";
    case IndexCommand::node_remove:
      return "node remove";
    case IndexCommand::node_insync:
      return "node insync";
    case IndexCommand::node_offer:
      return "node offer";
    case IndexCommand::node_adopt:
      return "node adopt";
    case IndexCommand::hello:
      return "hello";
    case IndexCommand::kill:
      return "kill";
    case IndexCommand::quit:
      return "quit";
    case IndexCommand::meta:
      return "meta";
    case IndexCommand::verbosity:
      return "verbosity";
    case IndexCommand::version:
      return "version";
    case IndexCommand::show:
      return "show variables";
    case IndexCommand::shutdown:
      return "shutdown";
  }
  return {};
}

std::string_view to_text(AccessClasses classes) { return class_texts.at(classes.bits()); }

std::string_view denied_answer(AccessClasses needed) { return denials.at(needed.bits()); }

}  // namespace flare
