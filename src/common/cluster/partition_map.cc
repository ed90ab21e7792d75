#include "common/cluster/partition_map.h"

#include <cstddef>
#include <map>

namespace flare {
namespace {

using Error = PartitionMap::Error;

/// Masters found in the node map, before the numbering is checked.
struct Masters {
  std::map<std::int32_t, std::optional<std::uint32_t>> active;  // a preserved (down) master: no index
  std::map<std::int32_t, std::uint32_t> preparing;
};

// cluster.md 2.3: a master that is down only keeps its partition's number alive; one that is active beside it wins.
Masters masters_of(const std::vector<Node>& nodes) {
  Masters found;
  for (std::uint32_t index = 0; index < nodes.size(); ++index) {
    const Node& node = nodes[index];
    if (node.role != Role::master || node.partition == no_partition) continue;
    const auto number = raw(node.partition);
    switch (node.state) {
      case State::active:
        found.active[number] = index;
        break;
      case State::down:
        found.active.try_emplace(number);
        break;
      case State::prepare:
      case State::ready:
        found.preparing.try_emplace(number, index);
        break;
    }
  }
  return found;
}

std::optional<Error> numbering_error(const Masters& masters, const PartitionMeta& meta) {
  if (masters.preparing.size() > 1) return Error::two_prepare_partitions;
  const auto count = static_cast<std::int32_t>(masters.active.size());
  if (count > 0 && (masters.active.begin()->first != 0 || masters.active.rbegin()->first != count - 1)) {
    return Error::hole_in_active_map;
  }
  if (!masters.preparing.empty() && masters.preparing.begin()->first != count) return Error::prepare_not_next;
  const auto used = count + static_cast<std::int32_t>(masters.preparing.size());
  if (used >= meta.partition_size) return Error::too_many_partitions;  // cluster.md 2.2: there is no row S
  return std::nullopt;
}

// cluster.md 2.3: readable is each active node, `balance` times.
void add_readable(Partition& partition, const Node& node, std::uint32_t index) {
  if (node.state != State::active || node.balance <= 0) return;
  partition.readable.insert(partition.readable.end(), static_cast<std::size_t>(node.balance), index);
}

Partition partition_with(const std::vector<Node>& nodes, std::int32_t number, std::optional<std::uint32_t> master) {
  Partition partition;
  partition.master = master;
  for (std::uint32_t index = 0; index < nodes.size(); ++index) {
    const Node& node = nodes[index];
    if (index == master) {
      add_readable(partition, node, index);
    } else if (node.role == Role::slave && node.state != State::down && raw(node.partition) == number) {
      partition.slaves.push_back(index);
      add_readable(partition, node, index);
    }
  }
  return partition;
}

}  // namespace

Result<PartitionMap, PartitionMap::Error> PartitionMap::make(const NodeMap& map, const PartitionMeta& meta,
                                                             KeyHashAlgorithm algorithm) {
  PartitionMap made;
  made.algorithm_ = algorithm;
  made.nodes_.reserve(map.nodes.size());
  for (const auto& [key, node] : map.nodes) made.nodes_.push_back(node);

  const Masters masters = masters_of(made.nodes_);
  if (const auto error = numbering_error(masters, meta)) return *error;

  for (const auto& [number, master] : masters.active) {
    made.active_.push_back(partition_with(made.nodes_, number, master));
  }
  const int count = static_cast<int>(made.active_.size());
  if (count > 0) made.active_row_.emplace(meta, count);
  if (!masters.preparing.empty()) {
    const auto& [number, master] = *masters.preparing.begin();
    made.prepare_ = partition_with(made.nodes_, number, master);
    made.future_row_.emplace(meta, count + 1);
  }
  return made;
}

PartitionId PartitionMap::partition_of(std::string_view key) const {
  if (!active_row_) return no_partition;
  return active_row_->partition_of(key_hash(algorithm_, key));
}

PartitionId PartitionMap::future_partition_of(std::string_view key) const {
  if (!future_row_) return no_partition;
  return future_row_->partition_of(key_hash(algorithm_, key));
}

}  // namespace flare
