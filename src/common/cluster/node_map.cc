#include "common/cluster/node_map.h"

#include <fmt/format.h>

#include <set>

namespace flare {

namespace {

using Sentences = std::vector<std::string>;

bool is_down(const Node& node) { return node.state == State::down; }
bool is_split(const Node& node) { return node.state == State::prepare || node.state == State::ready; }

void check_identity(const NodeMap& map, const NodeKey& key, const Node& node, Sentences& found) {
  if (key != node.key()) found.push_back(fmt::format("{} is stored under the key {}", node.key().text, key.text));
  if (node.thread_type < first_thread_type || node.thread_type >= map.next_thread_type) {
    found.push_back(fmt::format("{} has thread_type {}, which is not from {} to below {}", key.text,
                                raw(node.thread_type), raw(first_thread_type), raw(map.next_thread_type)));
  }
  if (node.balance < 0) found.push_back(fmt::format("{} has the negative balance {}", key.text, node.balance));
}

// cluster.md 1.6: which role lives in which state, and holds what.
void check_role(const NodeKey& key, const Node& node, Sentences& found) {
  if (node.role == Role::proxy) {
    if (node.partition != no_partition || node.balance != 0) {
      found.push_back(
          fmt::format("the proxy {} holds partition {} with balance {}", key.text, raw(node.partition), node.balance));
    }
    if (is_split(node)) found.push_back(fmt::format("the proxy {} is in state {}", key.text, to_text(node.state)));
    return;
  }
  if (raw(node.partition) < 0) {
    found.push_back(fmt::format("the {} {} has no partition", to_text(node.role), key.text));
  }
  if (node.role == Role::slave && is_down(node)) found.push_back(fmt::format("the slave {} is down", key.text));
}

void check_thread_types(const NodeMap& map, Sentences& found) {
  std::set<ThreadType> seen;
  for (const auto& [key, node] : map.nodes) {
    if (!seen.insert(node.thread_type).second) {
      found.push_back(fmt::format("{} shares thread_type {} with another node", key.text, raw(node.thread_type)));
    }
  }
}

// cluster.md 1.4: numbering has no holes, one master at a time, one preparing partition, the next number.
void check_partitions(const NodeMap& map, Sentences& found) {
  std::set<PartitionId> alive;   // with a master that is not down
  std::set<PartitionId> served;  // of the active map, preserved masters included
  std::set<PartitionId> splitting;
  for (const auto& [key, node] : map.nodes) {
    if (node.role != Role::master) continue;
    if (!is_down(node) && !alive.insert(node.partition).second) {
      found.push_back(fmt::format("partition {} has more than one master that is not down", raw(node.partition)));
    }
    (is_split(node) ? splitting : served).insert(node.partition);
  }
  int expected = 0;
  for (const auto partition : served) {
    if (raw(partition) != expected++) {
      found.push_back(fmt::format("there is a partition {} but no partition {}", raw(partition), expected - 1));
      break;
    }
  }
  if (splitting.size() > 1) found.emplace_back("more than one partition is preparing");
  if (splitting.size() == 1 && raw(*splitting.begin()) != static_cast<int>(served.size())) {
    found.push_back(
        fmt::format("partition {} is preparing, but the next one is {}", raw(*splitting.begin()), served.size()));
  }
  for (const auto& [key, node] : map.nodes) {
    if (node.role == Role::slave && !served.contains(node.partition) && !splitting.contains(node.partition)) {
      found.push_back(
          fmt::format("the slave {} is of partition {}, which has no master", key.text, raw(node.partition)));
    }
  }
}

// docs/replication.md, the one invariant: who may be promoted is waited for.
void check_reign(const NodeMap& map, PartitionId partition, const PartitionReign& reign, Sentences& found) {
  if (raw(reign.epoch) > raw(map.version)) {
    found.push_back(fmt::format("partition {} has epoch {}, but the map has only version {}", raw(partition),
                                raw(reign.epoch), raw(map.version)));
  }
  for (const auto& key : reign.in_sync) {
    const auto member = map.nodes.find(key);
    if (member != map.nodes.end() && member->second.partition == partition) continue;
    found.push_back(fmt::format("{} is in sync with partition {}, which it does not hold", key.text, raw(partition)));
  }
}

void check_reigns(const NodeMap& map, Sentences& found) {
  if (map.reigns.empty()) return;
  std::set<PartitionId> held;
  for (const auto& [key, node] : map.nodes) {
    if (node.partition == no_partition) continue;
    held.insert(node.partition);
    const auto reign = map.reigns.find(node.partition);
    const bool leads = node.role == Role::master && !is_down(node);
    if (leads && reign != map.reigns.end() && !reign->second.in_sync.contains(key)) {
      found.push_back(fmt::format("the master {} is not in sync with its partition {}", key.text, raw(node.partition)));
    }
  }
  for (const auto partition : held) {
    if (!map.reigns.contains(partition)) found.push_back(fmt::format("partition {} has no epoch", raw(partition)));
  }
  for (const auto& [partition, reign] : map.reigns) {
    if (!held.contains(partition)) found.push_back(fmt::format("no node holds partition {}", raw(partition)));
    check_reign(map, partition, reign, found);
  }
}

}  // namespace

std::vector<std::string> violations(const NodeMap& map) {
  Sentences found;
  for (const auto& [key, node] : map.nodes) {
    check_identity(map, key, node, found);
    check_role(key, node, found);
  }
  check_thread_types(map, found);
  check_partitions(map, found);
  check_reigns(map, found);
  return found;
}

}  // namespace flare
