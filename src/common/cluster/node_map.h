#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/cluster/node.h"

namespace flare {

constexpr ThreadType first_thread_type{16};

/// The whole cluster at one moment (docs/spec/cluster.md 1.1). A value: changes make a new map. Pure.
struct NodeMap {
  MapVersion version{0};
  std::map<NodeKey, Node> nodes;
  ThreadType next_thread_type = first_thread_type;

  bool operator==(const NodeMap&) const = default;
};

/// What is wrong with a map: each a sentence. Empty for every map that the rules of cluster.md 1 can reach.
std::vector<std::string> violations(const NodeMap& map);

}  // namespace flare
