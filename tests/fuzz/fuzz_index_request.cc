// One line to flarei. What is accepted keeps its promises, and node commands written back are read alike.
#include <string>

#include "common/protocol/index_request.h"
#include "fuzz.h"

namespace {

using flare::IndexCommand;
using flare::IndexRequest;
using flare::fuzz::require;

// Empty for the commands that carry no node.
std::string written(const IndexRequest& request) {
  const std::string node = ' ' + std::string{request.server_name} + ' ' + std::to_string(request.port);
  switch (request.command) {
    case IndexCommand::node_add:
      return "node add" + node;
    case IndexCommand::node_remove:
      return "node remove" + node;
    case IndexCommand::shutdown:
      return "shutdown" + node;
    case IndexCommand::node_state:
      return "node state" + node + ' ' + std::string{to_text(request.state)};
    case IndexCommand::node_insync:
      return "node insync" + node + ' ' + std::to_string(raw(request.epoch)) + (request.in_sync ? " 1" : " 0");
    case IndexCommand::node_offer:
      return "node offer " + std::to_string(raw(request.map_version)) + node;
    case IndexCommand::node_role:
      return "node role" + node + ' ' + std::string{to_text(request.role)} + ' ' + std::to_string(request.balance) +
             ' ' + std::to_string(raw(request.partition)) + (request.force ? " force" : "");
    case IndexCommand::node_adopt:  // names no node
    case IndexCommand::ping:
    case IndexCommand::stats:
    case IndexCommand::kill:
    case IndexCommand::quit:
    case IndexCommand::meta:
    case IndexCommand::verbosity:
    case IndexCommand::version:
    case IndexCommand::show:
    case IndexCommand::hello:
      return {};
  }
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = flare::parse_index_request(flare::fuzz::bytes_of(data, size));
  if (!request) return 0;
  const auto line = written(*request);
  if (line.empty()) return 0;
  require(request->port > 0 && request->port <= 65535 && !request->server_name.empty());
  const auto again = flare::parse_index_request(line);
  require(again && again->command == request->command && written(*again) == line);
  return 0;
}
