#pragma once

#include <string>
#include <vector>

#include "support/original_map.h"

/// How an original flarei changes its map (docs/spec/cluster.md 1.4, 1.5, 4.3, 4.4). False: refused, nothing changed.
namespace flare::test {

/// `node role <S> <P> <role> [balance [partition]]`, its words.
bool change_original_role(OriginalMap& map, const std::vector<std::string>& words);
bool original_node_down(OriginalMap& map, const std::string& key);
bool original_node_up(OriginalMap& map, const std::string& key);
bool original_node_ready(OriginalMap& map, const std::string& key);

}  // namespace flare::test
