// What the index sends: a map is taken whole or not at all (cluster.md 3.1, docs/design.md 5).
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <set>
#include <utility>

#include "common/cluster/near_node.h"
#include "common/cluster/node_map_text.h"
#include "common/protocol/peer_hello.h"
#include "flared/node_agent.h"
#include "flared/replication/in_sync_members.h"
#include "flared/replication/version_floor.h"

namespace flare {

namespace {

enum class MapError { format, duplicate };

// The whole map or nothing: a bad one must not replace a good one (docs/design.md 5).
Result<NodeMap, MapError> parse_map(std::string_view lines, MapVersion version) {
  NodeMap map;
  map.version = version;
  std::set<ThreadType> thread_types;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    auto line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    auto node = parse_node_line(line);
    if (!node || !take_reign_words(line, *node, map)) return MapError::format;
    if (!thread_types.insert(node->thread_type).second) return MapError::duplicate;
    auto key = node->key();
    if (!map.nodes.emplace(std::move(key), std::move(*node)).second) return MapError::duplicate;
  }
  return map;
}

std::string_view to_text(PartitionMap::Error error) {
  switch (error) {
    case PartitionMap::Error::two_prepare_partitions:
      return "two partitions are preparing";
    case PartitionMap::Error::hole_in_active_map:
      return "a partition number is missing";
    case PartitionMap::Error::prepare_not_next:
      return "the preparing partition is not the next number";
    case PartitionMap::Error::too_many_partitions:
      return "more partitions than partition-size allows";
  }
  return "";
}

}  // namespace

std::string NodeAgent::take_map(std::string_view lines, MapVersion version) {
  // An index that has not noticed the restart yet may show this node as the master or slave that it was. Its slave may
  // be promoted by the `node add` that is on its way, and would not have what is acknowledged until then; and a master
  // with a salvaged store would be taken for a better one by slaves that have everything (docs/design.md 3.6).
  if (!joined_) return std::string{doubtful_ ? build_incomplete_answer : not_joined_answer};
  if (version < view_->map.version) {
    log_.warning("map {} ignored: this node has map {}", raw(version), raw(view_->map.version));
    return "SERVER_ERROR node sync error\r\n";
  }
  auto map = parse_map(lines, version);
  if (!map && map.error() == MapError::format) return "CLIENT_ERROR format error\r\n";
  if (!map) {
    log_.error("map {} refused: it shows a node or a thread_type twice", raw(version));
    return "SERVER_ERROR node sync error\r\n";
  }
  if (!map->nodes.contains(own_key_)) {  // docs/design.md 5: an index sends its map to the nodes that are in it
    log_.error("map {} refused: this node, {}, is not in it", raw(version), own_key_.text);
    return "SERVER_ERROR node sync error\r\n";
  }
  install(std::move(*map));
  probe_interval_ = probe_interval_of_map(lines);
  ask_for_cluster_id(lines);
  return "OK\r\n";
}

// A cluster that had no id when this node joined has one now. What came in only makes us ask: nothing is learnt from an
// inbound message (docs/design.md 5).
void NodeAgent::ask_for_cluster_id(std::string_view lines) {
  if (!setup_.identity || !setup_.identity->cluster().cluster.empty()) return;
  if (identity_of_map(lines).cluster.empty() || std::exchange(learning_, true)) return;
  asio::co_spawn(executor_, learn_cluster_id(), asio::detached);
}

IoTask<> NodeAgent::learn_cluster_id() {
  const auto told = co_await index_.ask_identity(tell_deadline);
  learning_ = false;
  if (!told) {
    log_.warning("the cluster id is not known: {}", told.error().text);
    co_return;
  }
  if (const auto adopted = setup_.identity->adopt(told->cluster); !adopted) log_.error("{}", adopted.error());
}

void NodeAgent::install(NodeMap map) {
  const auto before = own_entry();
  auto view = std::make_shared<RoutingView>();
  auto partitions = PartitionMap::make(map, meta_, key_hash_);
  if (partitions) {
    view->partitions = std::move(*partitions);
    if (setup_.prior_netmask > 0) {
      view->partitions.prefer([this](const Node& node) {
        return in_one_network(setup_.server_name, node.server_name, setup_.prior_netmask);
      });
    }
  } else {
    log_.error("map {}: {}; the former partitions stay in force", raw(map.version), to_text(partitions.error()));
    view->partitions = view_->partitions;
  }
  const auto& nodes = view->partitions.nodes();
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].key() == own_key_) view->self = i;
  }
  auto plan = plan_replication(before, map, own_key_);
  if (takes_over(view_->map, map, own_key_)) took_over_ = true;
  view->map = std::move(map);
  mark_split(*view);
  const auto own = view->map.nodes.find(own_key_);
  note_build(before, own == view->map.nodes.end() ? std::nullopt : std::optional{own->second});
  view->build_incomplete = own != view->map.nodes.end() && is_unbuilt(own->second);
  build_incomplete_.store(view->build_incomplete, std::memory_order_relaxed);
  view_ = std::move(view);
  const auto now = own_entry();
  const auto is_down = [](const std::optional<Node>& node) { return node && node->state == State::down; };
  if (is_down(before) || is_down(now)) was_down_at_ = std::chrono::steady_clock::now();
  if (now != before && now) {
    log_.notice("map {}: this node is {} {}, partition {}, balance {}", raw(view_->map.version), to_text(now->role),
                to_text(now->state), raw(now->partition), now->balance);
  }
  for (const auto& [partition, reign] : view_->map.reigns) {
    if (now && partition == now->partition) promise_.on_map(partition, reign.epoch);
  }
  carry_out(plan);
  if (leading_) keeper_.on_map(in_sync_members(view_->map, plan_.partition));  // carry_out may have replaced the view
  serve_originals();
}

// Maps can be missed, so a master counts as unbuilt only if it was seen active as a slave before: an original index
// makes active, and promotes, whom it is told to (docs/spec/cluster.md 1.5).
void NodeAgent::note_build(const std::optional<Node>& before, const std::optional<Node>& now) {
  if (!now || now->role == Role::proxy) {
    building_ = false;
  } else if (now->role == Role::slave) {
    const bool was = before && before->role == Role::slave && before->partition == now->partition;
    if (now->state == State::prepare && !(was && before->state == State::prepare)) building_ = true;
  } else {
    const bool promoted = before && before->role == Role::slave && before->state == State::active;
    if (!promoted && !(before && before->role == Role::master)) building_ = false;
  }
}

bool NodeAgent::is_unbuilt(const Node& own) const {
  if (own.state != State::active) return false;
  return own.role == Role::slave ? doubtful_ || building_ : own.role == Role::master && building_;
}

}  // namespace flare
