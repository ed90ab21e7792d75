#pragma once

#include <optional>
#include <string_view>

#include "flarei/refusal.h"

/// What happens to a node, and what it makes of the map. Pure.
namespace flare {

/// `node add` (docs/spec/cluster.md 1.3): an unknown node becomes an active proxy; a down one only raises the version.
Decision add_node(const NodeMap& map, std::string_view server_name, int port);
/// The monitor's down event, `node state down`, `shutdown` (cluster.md 4.3). A master is followed by `successor`,
/// nullopt: by the best by the map alone. Without one that is an active slave in sync the master is preserved.
Decision node_down(const NodeMap& map, const NodeKey& key, const std::optional<NodeKey>& successor = std::nullopt);
/// `node add` of a node whose old process is proven gone: down and up in one (cluster.md 9.15).
Decision restart_node(const NodeMap& map, const NodeKey& key, const std::optional<NodeKey>& successor = std::nullopt);
/// `node insync` from a master: the slave is waited for by sync writes, or no longer (docs/replication.md 8). Refused
/// once the partition's epoch is another one: the master that says so may not be one any more.
Decision set_in_sync(const NodeMap& map, const NodeKey& slave, Epoch epoch, bool in_sync);
/// Whether a slave's word that it is complete may be believed (cluster.md 9.12).
enum class SlaveBuild { unproven, complete };
/// The monitor's up event, `node state active` (cluster.md 4.4, 1.5).
Decision node_up(const NodeMap& map, const NodeKey& key, SlaveBuild build);
/// `node state ready` (cluster.md 1.5).
Decision node_ready(const NodeMap& map, const NodeKey& key);
/// `node remove` (cluster.md 4.5).
Decision remove_node(const NodeMap& map, const NodeKey& key);

}  // namespace flare
