#include "flarei/node_event.h"

#include <algorithm>
#include <limits>

#include "common/base/limits.h"
#include "flarei/failover.h"
#include "flarei/map_query.h"
#include "flarei/reigns.h"

namespace flare {

namespace {

constexpr std::size_t server_name_bytes_max = 255;

// A name stands in lines of words and in flare.xml: bytes that break either are refused.
bool is_server_name(std::string_view name) {
  if (name.empty() || name.size() > server_name_bytes_max) return false;
  return std::all_of(name.begin(), name.end(), [](char byte) {
    const auto value = static_cast<unsigned char>(byte);
    return value > 0x20 && value != 0x7f;
  });
}

NodeMap next_version(const NodeMap& map) {
  NodeMap changed = map;
  changed.version = next(map.version);
  return changed;
}

// cluster.md 4.3: the promoted slave must be readable, if no other is.
void promote(NodeMap& map, const NodeKey& key) {
  const auto partition = map.nodes.at(key).partition;
  std::int64_t slave_balances = 0;
  for (const auto& [other_key, other] : map.nodes) {
    if (other.role == Role::slave && other.partition == partition) slave_balances += other.balance;
  }
  auto& node = map.nodes.at(key);
  node.role = Role::master;
  if (slave_balances == 0) node.balance += 1;
}

// docs/replication.md 8: none but those that the old master waited for.
std::optional<NodeKey> successor_of(const NodeMap& map, const NodeKey& key, const std::optional<NodeKey>& wanted) {
  const auto able = candidates(map, key, [](const NodeKey&) { return NodeHealth{}; });
  if (able.empty()) return std::nullopt;
  if (!wanted) return able.front().key;
  const bool granted =
      std::any_of(able.begin(), able.end(), [&](const Candidate& each) { return each.key == *wanted; });
  return granted ? wanted : std::nullopt;
}

void master_down(NodeMap& map, const NodeKey& key, const std::optional<NodeKey>& wanted) {
  auto& node = map.nodes.at(key);
  const auto partition = node.partition;
  if (is_preparing(node)) {
    cancel_split(map, partition);
    node.state = State::down;
  } else if (const auto successor = successor_of(map, key, wanted)) {
    promote(map, *successor);
    make_proxy(node, State::down);
  } else {
    node.state = State::down;  // preserved: it may come back with the partition's data
  }
}

Decision return_from_down(const NodeMap& map, const Node& node) {
  NodeMap changed = next_version(map);
  auto& returned = changed.nodes.at(node.key());
  // cluster.md 9.7: only an active master displaces a preserved one, not a slave that prepares.
  if (node.role == Role::master && !living_master(map, node.partition)) {
    returned.state = State::active;
  } else {
    make_proxy(returned, State::active);
  }
  return with_reigns_after(map, std::move(changed));
}

Decision set_state(const NodeMap& map, const NodeKey& key, State state) {
  NodeMap changed = next_version(map);
  changed.nodes.at(key).state = state;
  return with_reigns_after(map, std::move(changed));
}

}  // namespace

Decision add_node(const NodeMap& map, std::string_view server_name, int port) {
  if (!is_server_name(server_name) || port < 1 || port > 65535) return Refusal::bad_name;
  const NodeKey key{server_name, port};
  if (const auto found = map.nodes.find(key); found != map.nodes.end()) {
    if (!is_down(found->second)) return Refusal::already_known;
    return with_reigns_after(map, next_version(map));  // it stays down until a probe succeeds
  }
  if (map.nodes.size() >= limits::map_nodes_max ||
      raw(map.next_thread_type) == std::numeric_limits<std::int32_t>::max()) {
    return Refusal::too_many_nodes;
  }
  NodeMap changed = next_version(map);
  Node node;
  node.server_name = server_name;
  node.port = port;
  node.thread_type = map.next_thread_type;
  changed.nodes.emplace(key, std::move(node));
  changed.next_thread_type = next(map.next_thread_type);
  return with_reigns_after(map, std::move(changed));
}

Decision restart_node(const NodeMap& map, const NodeKey& key, const std::optional<NodeKey>& successor) {
  auto down = node_down(map, key, successor);
  if (!down) return down;
  return node_up(*down, key, SlaveBuild::unproven);
}

Decision node_down(const NodeMap& map, const NodeKey& key, const std::optional<NodeKey>& successor) {
  const auto found = map.nodes.find(key);
  if (found == map.nodes.end()) return Refusal::unknown_node;
  if (is_down(found->second)) return map;
  NodeMap changed = next_version(map);
  if (found->second.role == Role::master) {
    master_down(changed, key, successor);
  } else {
    make_proxy(changed.nodes.at(key), State::down);
  }
  return with_reigns_after(map, std::move(changed));
}

Decision set_in_sync(const NodeMap& map, const NodeKey& slave, Epoch epoch, bool in_sync) {
  const auto found = map.nodes.find(slave);
  if (found == map.nodes.end()) return Refusal::unknown_node;
  const auto partition = found->second.partition;
  if (found->second.role != Role::slave) return Refusal::state_not_settable;
  if (!living_master(map, partition)) return Refusal::no_master;
  if (reign_of(map, partition).epoch != epoch) return Refusal::epoch_moved;
  if (is_in_sync(map, slave) == in_sync) return map;
  auto changed = with_reigns_after(map, next_version(map));
  auto& reign = changed.reigns.at(partition);
  if (in_sync) {
    reign.in_sync.insert(slave);
  } else {
    reign.in_sync.erase(slave);
  }
  reign.epoch = Epoch{raw(changed.version)};
  return changed;
}

Decision node_up(const NodeMap& map, const NodeKey& key, SlaveBuild build) {
  const auto found = map.nodes.find(key);
  if (found == map.nodes.end()) return Refusal::unknown_node;
  const Node& node = found->second;
  switch (node.state) {
    case State::active:
      return map;
    case State::down:
      return return_from_down(map, node);
    case State::prepare:
    case State::ready:
      break;
  }
  if (node.role == Role::slave) {
    if (build == SlaveBuild::unproven) return Refusal::not_confirmed;  // cluster.md 9.12
    return set_state(map, key, State::active);
  }
  if (node.state == State::prepare) return Refusal::master_not_ready;
  return set_state(map, key, State::active);
}

Decision node_ready(const NodeMap& map, const NodeKey& key) {
  const auto found = map.nodes.find(key);
  if (found == map.nodes.end()) return Refusal::unknown_node;
  if (found->second.state != State::prepare) return Refusal::not_preparing;  // cluster.md 1.5
  return set_state(map, key, State::ready);
}

Decision remove_node(const NodeMap& map, const NodeKey& key) {
  const auto found = map.nodes.find(key);
  if (found == map.nodes.end()) return Refusal::unknown_node;
  const Node& node = found->second;
  if (!is_down(node)) return Refusal::not_down;
  // cluster.md 4.5, with 9.7: only a master can stand in for a preserved one.
  if (node.role == Role::master && !living_master(map, node.partition)) return Refusal::only_copy;
  NodeMap changed = next_version(map);
  changed.nodes.erase(key);
  return with_reigns_after(map, std::move(changed));
}

}  // namespace flare
