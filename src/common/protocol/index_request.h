#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/ids.h"
#include "common/cluster/node.h"
#include "common/protocol/stats_topic.h"

/// One request to flarei (docs/spec/cluster.md 1.3, protocol.md 6). Pure.
namespace flare {

enum class IndexCommand : std::uint8_t {
  ping,
  stats,
  node_add,
  node_role,
  node_state,
  node_remove,
  node_insync,  // `node insync <S> <P> <epoch> <0|1>` from a master (docs/replication.md 8)
  node_offer,   // `node offer <version> <S> <P>`: a node has a map, and the index may have lost its own
  node_adopt,   // `node adopt <version>`, `node adopt empty force`: an operator takes what was offered
  kill,
  quit,
  meta,
  verbosity,
  version,
  show,  // `show variables`
  shutdown,
  hello,  // from a daemon of ours (docs/design.md 5)
};

/// The views point into the line.
struct IndexRequest {
  IndexCommand command = IndexCommand::ping;
  StatsTopic topic = StatsTopic::general;
  std::string_view server_name;  // node commands and shutdown
  int port = 0;
  Role role = Role::proxy;               // node role
  int balance = -1;                      // node role; -1: not given
  PartitionId partition = no_partition;  // node role; no_partition: not given
  bool force = false;                    // node role: its last word (cluster.md 9.8)
  State state = State::active;           // node state
  Epoch epoch{0};                        // node insync
  bool in_sync = false;                  // node insync
  MapVersion map_version{0};             // node offer, node adopt
  bool empty = false;                    // node adopt: no offered map
  std::int32_t kill_id = 0;
  bool noreply = false;   // verbosity
  std::string_view rest;  // hello: its words

  NodeKey key() const { return NodeKey{server_name, port}; }
};

/// `line` comes without its line end. nullopt: the answer is `ERROR`, and the connection stays open. Which words may
/// follow is the original's rule for each command; flarei takes no payload and skips none.
std::optional<IndexRequest> parse_index_request(std::string_view line);

}  // namespace flare
