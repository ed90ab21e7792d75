#include "common/net/connection_places.h"

#include <utility>

namespace flare {

namespace {

// A path of a unix socket has no port and is nobody's known address.
std::string_view address_of(std::string_view peer) { return peer.substr(0, peer.rfind(':')); }

}  // namespace

void ConnectionPlaces::change_clients_max(std::size_t clients_max) {
  const std::lock_guard lock{mutex_};
  figures_.clients_max = clients_max;
}

void ConnectionPlaces::know(std::set<std::string, std::less<>> addresses) {
  const std::lock_guard lock{mutex_};
  known_ = std::move(addresses);
}

bool ConnectionPlaces::has_node_place(std::string_view address) const {
  if (figures_.nodes >= limits::node_connections_max) return false;
  const auto there = nodes_at_.find(std::string{address});
  return there == nodes_at_.end() || there->second < limits::node_connections_of_address_max;
}

void ConnectionPlaces::add_node(std::string_view address) {
  ++figures_.nodes;
  ++nodes_at_[std::string{address}];
}

Place ConnectionPlaces::take(std::string_view peer, bool nodes_only) {
  const auto address = address_of(peer);
  const std::lock_guard lock{mutex_};
  if (nodes_only && has_node_place(address)) {
    add_node(address);
    return Place::node;
  }
  if (figures_.clients < figures_.clients_max) {
    ++figures_.clients;
    return Place::client;
  }
  if (known_.contains(address) && has_node_place(address)) {
    add_node(address);
    return Place::trial;
  }
  ++figures_.refused;
  return Place::none;
}

// A hello proves little, since the cluster's id is no secret: from addresses that the map does not name, half of the
// places at most are taken by it.
Place ConnectionPlaces::settle(Place place, std::string_view peer, Proof proof) {
  const auto address = address_of(peer);
  const std::lock_guard lock{mutex_};
  const bool known = known_.contains(address);
  if (place == Place::trial) return Place::node;
  if (place != Place::client || (!known && proof != Proof::hello)) return place;
  if (!has_node_place(address) || (!known && figures_.nodes >= limits::node_connections_max / 2)) return place;
  --figures_.clients;
  add_node(address);
  return Place::node;
}

void ConnectionPlaces::leave(Place place, std::string_view peer) {
  if (place == Place::none) return;
  const std::lock_guard lock{mutex_};
  if (place == Place::client) {
    --figures_.clients;
    return;
  }
  --figures_.nodes;
  const auto there = nodes_at_.find(std::string{address_of(peer)});
  if (--there->second == 0) nodes_at_.erase(there);
}

ConnectionPlaces::Figures ConnectionPlaces::figures() const {
  const std::lock_guard lock{mutex_};
  return figures_;
}

}  // namespace flare
