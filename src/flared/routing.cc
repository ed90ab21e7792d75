#include "flared/routing.h"

#include <algorithm>

#include "common/base/limits.h"

namespace flare {

namespace {

const Partition* find_partition(const RoutingView& view, PartitionId id) {
  if (id == no_partition) return nullptr;
  return &view.partitions.active()[static_cast<std::size_t>(raw(id))];
}

bool moves(const RoutingView& view, std::string_view key) {
  if (!view.partitions.prepare()) return false;
  return view.partitions.future_partition_of(key) == PartitionId(view.partitions.active().size());
}

// The partition whose nodes serve the key now.
const Partition* serving_partition(const RoutingView& view, std::string_view key) {
  if (view.handed_over && moves(view, key)) return &*view.partitions.prepare();
  return find_partition(view, view.partitions.partition_of(key));
}

Route to_node(const RoutingView& view, std::uint32_t node) {
  return {view.self == node && !view.taking_over ? Route::Kind::local : Route::Kind::forward, node};
}

Route to_master(const RoutingView& view, const Partition& partition) {
  if (!partition.master) return {Route::Kind::no_node};  // preserved: its master is down
  return to_node(view, *partition.master);
}

// Behind the writes of a master that is asked to go, where there are any.
Route behind_departure(const RoutingView& view, Route route) {
  if (view.departing && route.kind == Route::Kind::local) route.kind = Route::Kind::forward;
  return route;
}

bool is_slave_of(const RoutingView& view, const Partition& partition) {
  return view.self && std::find(partition.slaves.begin(), partition.slaves.end(), *view.self) != partition.slaves.end();
}

bool is_unbuilt(const RoutingView& view, const Partition& partition) {
  return view.build_incomplete && is_slave_of(view, partition);
}

bool is_reading_slave(const RoutingView& view, const Partition& partition) {
  if (!is_slave_of(view, partition)) return false;
  const Node& own = view.partitions.nodes()[*view.self];
  return own.state == State::active && own.balance > 0;
}

}  // namespace

Route route_read(const RoutingView& view, std::string_view key, bool at_master, std::uint32_t draw) {
  const Partition* partition = serving_partition(view, key);
  if (!partition) return {Route::Kind::nowhere};
  if (view.self && partition->master == view.self) {
    const auto route = to_master(view, *partition);
    return at_master ? behind_departure(view, route) : route;
  }
  if (at_master || is_unbuilt(view, *partition)) return to_master(view, *partition);
  if (is_reading_slave(view, *partition)) return {Route::Kind::local, *view.self};
  const auto& drawn = partition->prior.empty() ? partition->readable : partition->prior;
  if (!drawn.empty()) return to_node(view, drawn[draw % drawn.size()]);
  return to_master(view, *partition);  // cluster.md 9.11: balances that sum to 0 do not hide a live master
}

Route route_write(const RoutingView& view, std::string_view key, bool proxied) {
  const Partition* partition = serving_partition(view, key);
  if (!partition) return {Route::Kind::nowhere};
  if (proxied && view.self && moves(view, key)) {
    // cluster.md 5.2: the preparing master executes what the present one passes on.
    if (view.partitions.prepare()->master == view.self) return {Route::Kind::local, *view.self};
  }
  return behind_departure(view, to_master(view, *partition));
}

std::optional<std::uint32_t> another_reader(const RoutingView& view, std::string_view key, std::uint32_t node) {
  const Partition* partition = serving_partition(view, key);
  if (!partition) return std::nullopt;
  const auto asks = [&](std::uint32_t one) { return one != node && view.self != one; };
  const auto found = std::find_if(partition->readable.begin(), partition->readable.end(), asks);
  if (found != partition->readable.end()) return *found;
  if (partition->master && asks(*partition->master)) return partition->master;
  return std::nullopt;
}

bool is_of_own_partition(const RoutingView& view, std::string_view key) {
  if (!view.self) return false;
  const auto own = view.partitions.nodes()[*view.self].partition;
  if (own == no_partition) return false;
  if (raw(own) < static_cast<int>(view.partitions.active().size())) return view.partitions.partition_of(key) == own;
  return view.partitions.prepare() && view.partitions.future_partition_of(key) == own;
}

bool is_master(const RoutingView& view) {
  return view.self && view.partitions.nodes()[*view.self].role == Role::master;
}

bool serves_clients(const RoutingView& view) {
  return view.self && view.partitions.nodes()[*view.self].state == State::active;
}

bool may_forward(std::string_view prefix, std::string_view own_name) {
  std::size_t names = 0;
  while (!prefix.empty()) {
    const auto end = std::min(prefix.find(','), prefix.size());
    if (prefix.substr(0, end) == own_name) return false;
    prefix.remove_prefix(std::min(end + 1, prefix.size()));
    ++names;
  }
  return names <= limits::proxy_hops_max;
}

}  // namespace flare
