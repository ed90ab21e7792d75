#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "common/cluster/partition_map.h"
#include "common/protocol/request.h"

/// Where a request goes (docs/spec/cluster.md 5.1, 5.2; docs/replication.md 5, 12). Pure.
namespace flare {

/// What a worker knows of the cluster: made by the control thread from each map, shared and never changed.
struct RoutingView {
  NodeMap map;
  PartitionMap partitions;
  std::optional<std::uint32_t> self;  // own index in partitions.nodes(); empty while the map does not show this node
  bool to_other_cluster = false;      // every key is another cluster's (cluster_plan.h): `partitions` is not of `map`
  // replication.md 7. This node leads a partition that has just become active, and has not all of its keys yet: what is
  // asked of it waits (a route to this node itself). Or it has handed the preparing partition's keys over to its
  // master.
  bool taking_over = false;
  bool handed_over = false;
  // replication.md 10. This master is asked to go: its writes, and reads that must see them, wait for the next map.
  bool departing = false;
  bool build_incomplete = false;  // an active slave that must not be read: reads go to the master
};

struct Route {
  enum class Kind : std::uint8_t {
    local,
    forward,  // to `node`
    nowhere,  // no partition exists: reads absent, writes `SERVER_ERROR no partition available`
    no_node,  // nobody can answer: reads absent, writes `SERVER_ERROR proxy failure`
  };
  Kind kind = Kind::nowhere;
  std::uint32_t node = 0;  // index in partitions.nodes()
};

/// `at_master`: this connection has lately written the key at another node, and must see what it wrote.
/// `draw`: a random number for the choice among the readable nodes.
Route route_read(const RoutingView& view, std::string_view key, bool at_master, std::uint32_t draw);
Route route_write(const RoutingView& view, std::string_view key, bool proxied);

/// Another node than `node`, and than this one, that may be asked for the key; the master if no other.
std::optional<std::uint32_t> another_reader(const RoutingView& view, std::string_view key, std::uint32_t node);
/// Whether this node holds the partition that the key belongs to, or will belong to if that one is being made.
bool is_of_own_partition(const RoutingView& view, std::string_view key);

bool is_master(const RoutingView& view);
/// A master that is being built takes what the present one passes on, whatever its quota.
bool serves_clients(const RoutingView& view);

/// Whether this node's name may be added to the prefix (replication.md 12): a request that has been here already goes
/// round between nodes whose maps differ, and would wait on the connection of its first way behind itself.
bool may_forward(std::string_view prefix, std::string_view own_name);

}  // namespace flare
