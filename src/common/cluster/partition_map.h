#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/cluster/key_hash.h"
#include "common/cluster/modular_table.h"
#include "common/cluster/node_map.h"

namespace flare {

/// One partition's nodes (docs/spec/cluster.md 2.3). The indexes point into `PartitionMap::nodes`.
struct Partition {
  std::optional<std::uint32_t> master;  // empty: preserved, its master is down
  std::vector<std::uint32_t> slaves;    // not down, prepare included
  std::vector<std::uint32_t> readable;  // each active node `balance` times
  std::vector<std::uint32_t> prior;     // of `readable`, those that are near: asked while there are any
};

/// The partition maps that a node map implies (cluster.md 2.3), with the rows to find a key's partition. An immutable
/// value: workers share it by `shared_ptr<const PartitionMap>`. Pure.
class PartitionMap {
 public:
  enum class Error { two_prepare_partitions, hole_in_active_map, prepare_not_next, too_many_partitions };

  /// No node, no partition: what a daemon has before its first map.
  PartitionMap() = default;
  static Result<PartitionMap, Error> make(const NodeMap& map, const PartitionMeta& meta, KeyHashAlgorithm algorithm);

  /// proxy-prior-netmask (cluster.md 5.1): which nodes are near this one.
  void prefer(const std::function<bool(const Node&)>& near);

  const std::vector<Node>& nodes() const { return nodes_; }             // in key order
  const std::vector<Partition>& active() const { return active_; }      // by partition number
  const std::optional<Partition>& prepare() const { return prepare_; }  // its number is active().size()

  /// The key's partition in the active map; no_partition if there is none.
  PartitionId partition_of(std::string_view key) const;
  /// The key's partition when the preparing one is counted too (cluster.md 2.3); no_partition without a preparing one.
  PartitionId future_partition_of(std::string_view key) const;

 private:
  std::vector<Node> nodes_;
  std::vector<Partition> active_;
  std::optional<Partition> prepare_;
  KeyHashAlgorithm algorithm_ = KeyHashAlgorithm::simple;
  std::optional<ModularRow> active_row_;
  std::optional<ModularRow> future_row_;
};

}  // namespace flare
