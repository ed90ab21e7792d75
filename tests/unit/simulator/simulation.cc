#include "unit/simulator/simulation.h"

#include <fmt/format.h>

#include <utility>

namespace flare::sim {

using namespace std::chrono_literals;

namespace {

constexpr int nodes = 3;
constexpr int clients = 4;
constexpr Place index_place = 100;
constexpr auto trouble_lasts = 20s;
constexpr auto peace_lasts = 60s;

}  // namespace

Simulation::Simulation(Settings settings)
    : settings_(settings), network_(settings.seed), index_(network_, nodes_, settings.plant) {
  for (Place place = 1; place <= nodes; ++place) {
    nodes_.push_back(std::make_unique<Node>(network_, *this, place, Node::Settings{settings.sync, settings.plant}));
  }
  for (int number = 1; number <= clients; ++number) {
    clients_.push_back(std::make_unique<Client>(network_, number, settings.plant, [this] { return called_master(); }));
  }
}

std::string Simulation::run() {
  set_up();
  for (const auto& client : clients_) client->start();
  const auto until = network_.now() + trouble_lasts;
  while (network_.now() < until && fault_.empty()) {
    network_.run(network_.now() + 20ms + std::chrono::milliseconds{network_.pick(600)});
    one_fault();
    fault_ = watch_leaders();
  }
  peace_ = true;
  network_.heal();
  for (const auto& node : nodes_) {
    node->thaw();
    if (!node->is_up()) node->start();
  }
  const auto end = network_.now() + peace_lasts;
  const auto writes_end = network_.now() + 2s;
  while (network_.now() < end && fault_.empty()) {
    network_.run(network_.now() + 200ms);
    fault_ = watch_leaders();
    if (network_.now() < writes_end) continue;
    for (const auto& client : clients_) client->stop();
    if (network_.now() > writes_end + 5s && is_settled()) break;
  }
  return fault_.empty() ? judge() : fault_;
}

void Simulation::set_up() {
  index_.start();
  for (const auto& node : nodes_) node->start();
  network_.run(network_.now() + 2s);
  index_.set_role(nodes_.front()->key(), Role::master, 1, PartitionId{0});
  network_.run(network_.now() + 500ms);
  operator_round();
  network_.run(network_.now() + 3s);
}

// An operator (or auto-rejoin) who gives each returned node its place again.
void Simulation::operator_round() {
  for (const auto& [key, node] : NodeMap{index_.map()}.nodes) {
    if (node.role == Role::proxy && node.state == State::active) {
      index_.set_role(key, Role::slave, 1, PartitionId{0});
    }
  }
  network_.after(700ms, [this] { operator_round(); });
}

void Simulation::one_fault() {
  auto& node = *nodes_[network_.pick(nodes)];
  const auto dice = network_.pick(100);
  if (dice < 18 && node.is_up()) {
    node.kill();
    restart_later(node);
  } else if (dice < 34 && node.is_up() && !node.is_frozen()) {
    node.freeze();
    network_.after(50ms + std::chrono::milliseconds{network_.pick(5000)}, [&node] { node.thaw(); });
  } else if (dice < 46) {
    network_.cut(node.place(), 1 + static_cast<Place>(network_.pick(nodes)));
  } else if (dice < 56) {
    network_.cut(node.place(), index_place);
  } else if (dice < 66) {
    network_.heal();
  } else if (dice < 70) {
    index_.restart();
  } else if (dice < 76 && node.is_up()) {
    node.trim_log();
  } else if (dice < 84) {  // a fault of more than one node at once
    for (const auto& other : nodes_) {
      if (other.get() == &node || !other->is_up()) continue;
      other->kill();
      restart_later(*other);
    }
  }
}

void Simulation::restart_later(Node& node) {
  network_.after(300ms + std::chrono::milliseconds{network_.pick(5000)}, [&node] {
    if (!node.is_up()) node.start();
  });
}

Node* Simulation::node(const NodeKey& key) {
  for (const auto& node : nodes_) {
    if (node->key() == key) return node.get();
  }
  return nullptr;
}

Node* Simulation::called_master() {
  const auto& map = nodes_[network_.pick(nodes)]->map();
  for (const auto& [key, entry] : map.nodes) {
    if (entry.role == Role::master && entry.state == State::active) return node(key);
  }
  return nullptr;
}

// A request on a connection of its own: there, answered, and back.
void Simulation::ask_index(Node& from, std::function<std::function<void()>()> ask) {
  auto connection = std::make_shared<Connection>(network_, from.place(), index_place);
  connection->send(from.place(), [connection, ask = std::move(ask)] {
    if (auto answer = ask()) connection->send(index_place, std::move(answer));
  });
  network_.after(2s, [connection] { connection->close(); });
}

void Simulation::ask_to_join(Node& node, std::function<void(const NodeMap&)> done) {
  ask_index(node, [this, key = node.key(), done = std::move(done)]() -> std::function<void()> {
    const auto map = index_.join(key);
    if (!map) return nullptr;
    return [done, map = *map] { done(map); };
  });
}

void Simulation::tell_in_sync(Node& from, NodeKey slave, Epoch epoch, bool in_sync, std::function<void(bool)> done) {
  ask_index(from, [this, slave, epoch, in_sync, done = std::move(done)]() -> std::function<void()> {
    return [done, stored = index_.set_in_sync(slave, epoch, in_sync)] { done(stored); };
  });
}

void Simulation::tell_active(Node& from, std::function<void(bool)> done) {
  ask_index(from, [this, key = from.key(), done = std::move(done)]() -> std::function<void()> {
    return [done, stored = index_.set_active(key)] { done(stored); };
  });
}

// Two masters of one epoch would both number entries under it.
std::string Simulation::watch_leaders() {
  if (auto wrong = violations(index_.map()); !wrong.empty()) return wrong.front();
  for (const auto& node : nodes_) {
    if (!node->leads()) continue;
    const auto [known, is_new] = leader_of_.try_emplace(node->store().epoch, node->key());
    if (!is_new && known->second != node->key()) {
      return fmt::format("{} and {} lead in epoch {}", known->second.text, node->key().text, raw(known->first));
    }
  }
  return {};
}

bool Simulation::is_settled() const {
  const Node* master = nullptr;
  for (const auto& node : nodes_) {
    if (node->leads()) master = node.get();
  }
  if (master == nullptr) return false;
  for (const auto& [key, entry] : index_.map().nodes) {
    if (entry.state != State::active || entry.role == Role::proxy) return false;
  }
  for (const auto& node : nodes_) {
    if (node->store().position() != master->store().position()) return false;
  }
  return true;
}

std::string Simulation::judge() const {
  if (!is_settled()) {
    std::string text = "the cluster has not settled:";
    for (const auto& [key, entry] : index_.map().nodes) {
      text += fmt::format(" {} {}/{}", key.text, to_text(entry.role), to_text(entry.state));
    }
    return text;
  }
  const auto& records = nodes_.front()->store().records;
  for (const auto& node : nodes_) {
    if (node->store().records != records) return fmt::format("{} differs from the others", node->key().text);
  }
  if (!settings_.sync) return {};
  for (const auto& client : clients_) {
    if (!client->wrong_answer().empty()) return client->wrong_answer() + ": an acknowledged write was lost";
    for (const auto& [key, writes] : client->account()) {
      const auto found = records.find(key);
      const auto value = found == records.end() ? std::string{} : found->second;
      if (!client->may_be(key, value)) {
        return fmt::format("{} is '{}', which is neither the last acknowledged write nor one of unknown outcome", key,
                           value);
      }
    }
  }
  return {};
}

Simulation::Figures Simulation::figures() const {
  Figures figures;
  for (const auto& client : clients_) figures.acknowledged += client->acknowledged();
  figures.reigns = leader_of_.size();
  for (const auto& node : nodes_) figures.corrections += node->corrections();
  return figures;
}

}  // namespace flare::sim
