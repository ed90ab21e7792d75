#include "common/cluster/partition_map.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
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

// The readable list holds each node `balance` times (cluster.md 2.3). Balances are any int: a longer list is scaled
// down, so that one command cannot use up the memory of every node.
constexpr std::int64_t readable_entries_max = 4096;

std::int64_t read_weight(const Node& node) {
  return node.state == State::active && node.balance > 0 ? node.balance : 0;
}

std::vector<std::uint32_t> readable_list(const std::vector<Node>& nodes, const std::vector<std::uint32_t>& members) {
  std::int64_t total = 0;
  for (const auto index : members) total += read_weight(nodes[index]);
  std::vector<std::uint32_t> readable;
  for (const auto index : members) {
    auto entries = read_weight(nodes[index]);
    if (total > readable_entries_max && entries > 0) {
      entries = std::max<std::int64_t>(1, entries * readable_entries_max / total);
    }
    readable.insert(readable.end(), static_cast<std::size_t>(entries), index);
  }
  return readable;
}

bool is_slave_of(const Node& node, std::int32_t partition) {
  return node.role == Role::slave && node.state != State::down && raw(node.partition) == partition;
}

Partition partition_with(const std::vector<Node>& nodes, std::int32_t number, std::optional<std::uint32_t> master) {
  Partition partition;
  partition.master = master;
  std::vector<std::uint32_t> members;  // in key order
  for (std::uint32_t index = 0; index < nodes.size(); ++index) {
    const bool slave = is_slave_of(nodes[index], number);
    if (slave) partition.slaves.push_back(index);
    if (slave || index == master) members.push_back(index);
  }
  partition.readable = readable_list(nodes, members);
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

void PartitionMap::prefer(const std::function<bool(const Node&)>& near) {
  const auto choose = [&](Partition& partition) {
    partition.prior.clear();
    std::copy_if(partition.readable.begin(), partition.readable.end(), std::back_inserter(partition.prior),
                 [&](std::uint32_t index) { return near(nodes_[index]); });
  };
  for (auto& partition : active_) choose(partition);
  if (prepare_) choose(*prepare_);
}

PartitionId PartitionMap::partition_of(std::string_view key) const {
  if (!active_row_) return no_partition;
  if (active_.size() == 1) return PartitionId{0};  // most tenants': all slots of the row say so
  return active_row_->partition_of(key_hash(algorithm_, key));
}

PartitionId PartitionMap::future_partition_of(std::string_view key) const {
  if (!future_row_) return no_partition;
  return future_row_->partition_of(key_hash(algorithm_, key));
}

}  // namespace flare
