#pragma once

#include <string_view>

#include "flarei/refusal.h"

/// What happens to a node, and what it makes of the map. Pure.
namespace flare {

/// `node add` (docs/spec/cluster.md 1.3): an unknown node becomes an active proxy; a down one only raises the version.
Decision add_node(const NodeMap& map, std::string_view server_name, int port);
/// `node add` of a node whose old process is proven gone: down and up in one (cluster.md 9.15).
Decision restart_node(const NodeMap& map, const NodeKey& key);
/// The monitor's down event, `node state down`, `shutdown` (cluster.md 4.3).
Decision node_down(const NodeMap& map, const NodeKey& key);
/// Whether a slave's word that it is complete may be believed (cluster.md 9.12).
enum class SlaveBuild { unproven, complete };
/// The monitor's up event, `node state active` (cluster.md 4.4, 1.5).
Decision node_up(const NodeMap& map, const NodeKey& key, SlaveBuild build);
/// `node state ready` (cluster.md 1.5).
Decision node_ready(const NodeMap& map, const NodeKey& key);
/// `node remove` (cluster.md 4.5).
Decision remove_node(const NodeMap& map, const NodeKey& key);

}  // namespace flare
