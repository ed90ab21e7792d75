#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/cluster/node_map.h"
#include "common/net/greeting.h"
#include "common/net/task.h"

/// From where a flarei has its cluster id (docs/design.md 4, 5).
namespace flare {

/// Before anything listens. Pure.
struct ClusterIdSource {
  enum class Kind {
    known,     // by the identity file, or by the comment line of flare.xml
    drawn,     // there is no map: a new cluster
    of_nodes,  // a map without an id: an original's, or an operator's rescue
    conflict,  // identity file and flare.xml name two clusters
  };
  Kind kind = Kind::known;
  std::string cluster;  // of `known`
};
ClusterIdSource cluster_id_source(const std::string& kept, const std::string& of_map_file, bool map_is_empty);

/// What one node said.
struct NodeWord {
  enum class Kind { silent, without_id, with_id, foreign };
  NodeKey key;
  Kind kind = Kind::silent;
  std::string cluster;  // of `with_id`
  std::string text;     // of `foreign`
};

/// What all of them together mean. Pure.
struct Recovered {
  enum class Kind {
    cluster,   // the nodes that have an id have this one
    new_one,   // every node was asked and none has an id
    unknown,   // none that answered has an id, but some are silent: ask again
    disagree,  // nothing may be changed: `text` names both sides
  };
  Kind kind = Kind::unknown;
  std::string cluster;
  std::string text;
};
Recovered conclude(const std::vector<NodeWord>& words);

/// Asks all nodes of the map at the same time, each with the deadline.
IoTask<std::vector<NodeWord>> ask_nodes(IoExecutor executor, NodeMap map, OwnGreeting own, std::string bind_address,
                                        PeerClient::Duration deadline);

}  // namespace flare
