#include "unit/simulator/sim_node.h"

#include <algorithm>
#include <utility>

namespace flare::sim {

using namespace std::chrono_literals;

namespace {

constexpr auto tick_each = 50ms;
constexpr auto join_again_after = 300ms;
constexpr auto answer_deadline = 3s;  // of a sync write
constexpr std::size_t entries_at_once = 20;

bool leads_by(const ReplicationPlan& plan) {
  return plan.kind == ReplicationPlan::Kind::lead || plan.kind == ReplicationPlan::Kind::import;
}

bool same_work(const ReplicationPlan& a, const ReplicationPlan& b) {
  if (a.kind != b.kind || a.partition != b.partition || a.sources.size() != b.sources.size()) return false;
  return a.sources.empty() || a.sources.front().key() == b.sources.front().key();
}

}  // namespace

Node::Node(Network& network, Surroundings& surroundings, Place place, Settings settings)
    : network_(network),
      surroundings_(surroundings),
      place_(place),
      key_("n", place),
      settings_(settings),
      in_sync_(key_, {}) {
  store_.log_id = store_.begin.log_id = LogId{100U + static_cast<unsigned>(place)};
}

void Node::start() {
  up_ = true;
  ++life_;
  joined_ = false;
  map_ = {};
  plan_ = {};
  join();
  tick();
}

void Node::kill() {
  stop_leading();
  stop_following();
  backlog_.clear();
  waiting_.clear();
  up_ = frozen_ = false;
  ++life_;
  store_.crash();
}

void Node::thaw() {
  frozen_ = false;
  for (auto& what : std::exchange(backlog_, {})) {
    if (up_) what();
  }
}

void Node::process(std::function<void()> what) {
  if (!up_) return;
  if (!frozen_) return what();
  backlog_.push_back([life = life_, this, what = std::move(what)] {
    if (life == life_) what();
  });
}

void Node::tick() {
  network_.after(tick_each, [this, life = life_] {
    if (life != life_) return;
    tick();
    process([this] {
      if (backlog_.size() > 100'000) std::abort();
      write_log();
      for (auto slave = slaves_.begin(); slave != slaves_.end();) {
        const auto name = (slave++)->first;
        stream_to(name);
      }
      if (leading_) tell_membership();
      give_up_writes();
      if (plan_.kind == ReplicationPlan::Kind::follow) {
        if (following_ && network_.now() - following_->heard > 2s) stop_following();
        if (!following_ && network_.now() >= connect_at_) connect_to_master();
      }
    });
  });
}

void Node::join() {
  if (!up_ || joined_) return;
  surroundings_.ask_to_join(*this, [this, life = life_](const NodeMap& map) {
    process([this, life, map] {
      if (life != life_ || joined_) return;
      joined_ = true;
      auto taken = map;
      taken.version = MapVersion{0};
      install(std::move(taken));
    });
  });
  network_.after(join_again_after, [this, life = life_] {
    if (life == life_) process([this] { join(); });
  });
}

void Node::on_map(NodeMap map, std::function<void(bool)> answer) {
  process([this, map = std::move(map), answer = std::move(answer)] {
    const bool older = map.version < map_.version && settings_.plant != Plant::old_map_taken;
    if (older || !joined_ || !map.nodes.contains(key_)) return answer(false);
    install(map);
    answer(true);
  });
}

void Node::on_ping(std::function<void()> answer) { process(std::move(answer)); }

void Node::install(NodeMap map) {
  std::optional<flare::Node> before;
  if (const auto found = map_.nodes.find(key_); found != map_.nodes.end()) before = found->second;
  const auto plan = plan_replication(before, map, key_);
  map_ = std::move(map);
  carry_out(plan);
}

void Node::carry_out(const ReplicationPlan& plan) {
  if (same_work(plan, plan_)) {
    const bool to_be_told = plan.tell_index_when_done && !plan_.tell_index_when_done;
    plan_ = plan;
    if (to_be_told) stop_following();
  } else {
    const bool goes_on = leading_ && leads_by(plan) && !plan.new_reign;
    plan_ = plan;
    stop_following();
    if (!goes_on) {
      stop_leading();
      if (leads_by(plan)) lead();
    }
  }
  if (leading_) {
    const auto reign = map_.reigns.find(plan_.partition);
    if (reign != map_.reigns.end()) in_sync_.on_map(reign->second.epoch, reign->second.in_sync);
    reign_ = std::max(reign_, reign != map_.reigns.end() ? reign->second.epoch : reign_);
    store_.epoch = std::max(store_.epoch, reign_);
    write_log();
  }
}

void Node::lead() {
  const auto epochs = store_.epochs();
  const auto highest = std::max(store_.epoch, epochs.empty() ? Epoch{0} : epochs.back().epoch);
  const auto reign = map_.reigns.find(plan_.partition);
  reign_ = std::max(next(highest), reign == map_.reigns.end() ? Epoch{raw(map_.version)} : reign->second.epoch);
  store_.epoch = reign_;
  leading_ = true;
}

void Node::stop_leading() {
  leading_ = false;
  for (auto& [name, slave] : slaves_) slave.connection->close();
  slaves_.clear();
  for (auto& waiting : std::exchange(waiting_, {})) waiting.answer(Answer::unknown);
}

}  // namespace flare::sim
