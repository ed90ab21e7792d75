#include "unit/simulator/sim_index.h"

#include <algorithm>
#include <utility>

#include "flarei/map_query.h"
#include "flarei/reigns.h"
#include "flarei/role_change.h"

namespace flare::sim {

using namespace std::chrono_literals;

namespace {

constexpr Place index_place = 100;
constexpr int threshold = 2;
constexpr auto probe_each = 500ms;
constexpr auto answer_deadline = 300ms;
constexpr int partitions_max = 1023;

}  // namespace

IndexServer::IndexServer(Network& network, std::vector<std::unique_ptr<Node>>& nodes, Plant plant)
    : network_(network), nodes_(nodes), plant_(plant) {}

void IndexServer::start() {
  ++life_;
  tick();
}

void IndexServer::restart() {
  network_.new_life(index_place);
  watches_.clear();
  elections_.clear();
  start();
}

void IndexServer::tick() {
  network_.after(probe_each, [this, life = life_] {
    if (life != life_) return;
    tick();
    for (const auto& node : nodes_) {
      if (!map_.nodes.contains(node->key())) continue;
      probe(*node);
      deliver(*node);
    }
  });
}

void IndexServer::probe(Node& node) {
  auto connection = std::make_shared<Connection>(network_, index_place, node.place());
  auto answered = std::make_shared<bool>(false);
  connection->send(index_place, [this, &node, connection, answered, life = life_] {
    node.on_ping([this, &node, connection, answered, life] {
      connection->send(node.place(), [this, &node, answered, life] {
        if (life == life_ && !std::exchange(*answered, true)) probed(node.key(), true);
      });
    });
  });
  network_.after(answer_deadline, [this, &node, connection, answered, life = life_] {
    connection->close();
    if (life == life_ && !std::exchange(*answered, true)) probed(node.key(), false);
  });
}

void IndexServer::probed(const NodeKey& key, bool good) {
  auto& watch = watches_[key];
  const auto found = map_.nodes.find(key);
  if (found == map_.nodes.end()) return;
  if (good) {
    watch.failures = 0;
    elections_.erase(key);
    if (is_down(found->second)) enact(node_up(map_, key, SlaveBuild::unproven));
    return;
  }
  if (++watch.failures < threshold || is_down(found->second) || elections_.contains(key)) return;
  if (found->second.role == Role::master) return elect(key);
  enact(node_down(map_, key));
}

NodeHealth IndexServer::health(const NodeKey& key) const {
  const auto found = watches_.find(key);
  return {.original = false, .silent = found != watches_.end() && found->second.failures > 0};
}

NodeMap IndexServer::map_for_election() const {
  auto map = map_;
  if (plant_ != Plant::out_of_sync_promoted) return map;
  for (const auto& [key, node] : map.nodes) {
    if (node.role == Role::slave && node.state == State::active) map.reigns.at(node.partition).in_sync.insert(key);
  }
  return map;
}

void IndexServer::elect(const NodeKey& master) {
  const auto election = std::make_shared<Election>(
      map_for_election(), master, [this](const NodeKey& key) { return health(key); }, network_.now());
  elections_[master] = election;
  for (const auto& key : election->to_ask()) {
    for (const auto& node : nodes_) {
      if (node->key() == key) ask_position(master, election, *node);
    }
  }
  decide(master, election);
}

void IndexServer::ask_position(const NodeKey& master, const std::shared_ptr<Election>& election, Node& node) {
  auto connection = std::make_shared<Connection>(network_, index_place, node.place());
  auto* const asked = &node;
  connection->send(index_place, [this, connection, election, asked, master] {
    asked->on_position(election->partition(), election->epoch(), [=, this](std::optional<Position> position) {
      connection->send(asked->place(), [=, this] {
        if (!position) {
          election->refused(asked->key());
        } else {
          election->answered(asked->key(), {position->epoch, position->sequence}, network_.now());
        }
        decide(master, election);
      });
    });
  });
  network_.after(Election::answer_deadline, [=, this] {
    connection->close();
    election->failed(asked->key());
  });
}

void IndexServer::decide(const NodeKey& master, const std::shared_ptr<Election>& election) {
  const auto found = elections_.find(master);
  if (found == elections_.end() || found->second != election) return;
  if (!election->is_decided(network_.now())) {
    network_.after(20ms, [=, this] { decide(master, election); });
    return;
  }
  elections_.erase(found);
  enact(node_down(map_for_election(), master, election->choice()));
}

void IndexServer::deliver(Node& node) {
  auto& watch = watches_[node.key()];
  const auto found = map_.nodes.find(node.key());
  if (watch.delivering || watch.delivered == map_.version || is_down(found->second)) return;
  watch.delivering = true;
  auto connection = std::make_shared<Connection>(network_, index_place, node.place());
  const auto ended = std::make_shared<bool>(false);
  const auto end = [this, key = node.key(), version = map_.version, ended, life = life_](bool taken) {
    if (life != life_ || std::exchange(*ended, true)) return;
    watches_[key].delivering = false;
    if (!taken) return;
    watches_[key].delivered = version;
    for (const auto& each : nodes_) {
      if (each->key() == key && version != map_.version) deliver(*each);
    }
  };
  connection->send(index_place, [&node, connection, end, map = map_] {
    node.on_map(map,
                [&node, connection, end](bool taken) { connection->send(node.place(), [end, taken] { end(taken); }); });
  });
  network_.after(answer_deadline, [connection, end] {
    connection->close();
    end(false);
  });
}

std::optional<NodeMap> IndexServer::join(const NodeKey& key) {
  const auto found = map_.nodes.find(key);
  const bool runs = found != map_.nodes.end() && !is_down(found->second);
  const auto name = key.text.substr(0, key.text.find(':'));
  const auto port = std::stoi(key.text.substr(name.size() + 1));
  if (!enact(runs ? restart_node(map_, key) : add_node(map_, name, port))) return std::nullopt;
  watches_[key].failures = 0;
  return map_;
}

bool IndexServer::set_role(const NodeKey& key, Role role, int balance, PartitionId partition) {
  return enact(change_role(map_, {key, role, balance, partition, false}, partitions_max));
}

bool IndexServer::set_in_sync(const NodeKey& slave, Epoch epoch, bool in_sync) {
  return enact(flare::set_in_sync(map_, slave, epoch, in_sync));
}

bool IndexServer::set_active(const NodeKey& slave) {
  return enact(node_up(map_, slave, is_in_sync(map_, slave) ? SlaveBuild::complete : SlaveBuild::unproven));
}

bool IndexServer::enact(Decision decision) {
  if (!decision) return false;
  if (decision->version == map_.version) return true;
  map_ = std::move(*decision);
  for (const auto& node : nodes_) {
    if (map_.nodes.contains(node->key())) deliver(*node);
  }
  return true;
}

}  // namespace flare::sim
