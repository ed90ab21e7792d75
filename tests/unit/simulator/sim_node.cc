#include "unit/simulator/sim_node.h"

#include <algorithm>
#include <utility>

namespace flare::sim {

using namespace std::chrono_literals;

namespace {

constexpr auto tick_each = 50ms;
constexpr auto join_again_after = 300ms;
constexpr auto answer_deadline = 3s;  // of a sync write

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
      in_sync_(key_, {.sync = settings.sync}) {
  store_.log_id = store_.begin.log_id = LogId{100U + static_cast<unsigned>(place)};
}

void Node::start() {
  up_ = true;
  ++life_;
  network_.new_life(place_);
  joined_ = false;
  map_ = {};
  plan_ = {};
  reporting_ = false;
  if (promised_) promise_.give(*promised_, network_.now());
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
  network_.new_life(place_);
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
      write_log();
      for (auto slave = slaves_.begin(); slave != slaves_.end();) {
        const auto name = (slave++)->first;
        stream_to(name);
      }
      if (leading_) tell_index();
      give_up_writes();
      if (plan_.kind == ReplicationPlan::Kind::follow) follow();
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
  const auto reign = map_.reigns.find(plan_.partition);
  if (reign == map_.reigns.end()) return;
  promise_.on_map(plan_.partition, reign->second.epoch);
  if (!leading_) return;
  // A change of the set is a new epoch of the same reign.
  if (settings_.plant != Plant::epoch_not_raised) reign_ = store_.epoch = std::max(reign_, reign->second.epoch);
  in_sync_.on_map(members(), network_.now());
  answer_writes();
}

void Node::lead() {
  const auto epochs = store_.epochs();
  const auto highest = std::max(store_.epoch, epochs.empty() ? Epoch{0} : epochs.back().epoch);
  reign_ = settings_.plant == Plant::epoch_not_raised ? highest : std::max(next(highest), epoch_known());
  store_.epoch = reign_;
  leading_ = true;
  in_sync_.lead(members(), network_.now());
}

void Node::stop_leading() {
  leading_ = false;
  for (auto& [name, slave] : slaves_) slave.connection->close();
  slaves_.clear();
  for (auto& waiting : std::exchange(waiting_, {})) waiting.answer(Answer::unknown, {});
}

void Node::on_position(PartitionId partition, Epoch epoch, std::function<void(std::optional<Position>)> answer) {
  process([this, partition, epoch, answer = std::move(answer)] {
    const Promise::Given asked{partition, epoch};
    if (plan_.partition != partition || !promise_.refusal(asked, epoch_known(), network_.now()).empty()) {
      return answer(std::nullopt);
    }
    promise_.give(asked, network_.now());
    promised_ = asked;
    stop_following();
    write_log();
    answer(store_.position());
  });
}

void Node::on_write(std::string key, std::string value, Written answer) {
  process([this, key = std::move(key), value = std::move(value), answer = std::move(answer)] {
    if (!leading_ || (settings_.sync && !in_sync_.may_begin())) return answer(Answer::refused, {});
    const auto present = store_.records.find(key);
    auto before = present == store_.records.end() ? std::string{} : present->second;
    store_.write(value.empty() ? EntryKind::remove : EntryKind::set, key, value);
    waiting_.push_back({store_.position().sequence, network_.now() + answer_deadline, std::move(before), answer});
    if (settings_.plant == Plant::acknowledged_before_logged) return answer_writes();
    network_.after(std::chrono::microseconds{network_.pick(8000)}, [this, life = life_] {
      if (life == life_) process([this] { write_log(); });
    });
  });
}

void Node::write_log() {
  store_.write_log();
  answer_writes();
}

// Up to where answers may leave (design.md 3.3): written, and in sync mode committed.
Sequence Node::answerable() {
  if (settings_.plant == Plant::acknowledged_before_logged) return store_.position().sequence;
  const auto written = store_.written_sequence();
  if (!settings_.sync || settings_.plant == Plant::acknowledged_before_committed) return written;
  if (settings_.plant == Plant::leaver_dropped_early) return acknowledged_by_connected(written);
  return in_sync_.committed(written);
}

Sequence Node::acknowledged_by_connected(Sequence written) const {
  auto lowest = written;
  for (const auto& [name, slave] : slaves_) {
    if (in_sync_.is_in_sync(name)) lowest = std::min(lowest, slave.primary.acknowledged());
  }
  return lowest;
}

void Node::answer_writes() {
  if (!leading_) return;
  const auto up_to = answerable();
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (waiting.sequence > up_to) return false;
    waiting.answer(Answer::stored, waiting.before);
    return true;
  });
}

void Node::give_up_writes() {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (network_.now() < waiting.until) return false;
    waiting.answer(Answer::unknown, {});
    return true;
  });
}

InSyncSet::Members Node::members() const {
  InSyncSet::Members members;
  members.epoch = epoch_known();
  members.stored = !map_.reigns.empty();
  if (const auto reign = map_.reigns.find(plan_.partition); reign != map_.reigns.end()) {
    members.in_sync = reign->second.in_sync;
  }
  for (const auto& [key, node] : map_.nodes) {
    if (node.role != Role::slave || node.partition != plan_.partition || node.state == State::down) continue;
    members.slaves.insert(key);
    if (node.state == State::prepare) members.preparing.insert(key);
  }
  return members;
}

Epoch Node::epoch_known() const {
  const auto reign = map_.reigns.find(plan_.partition);
  return reign == map_.reigns.end() ? Epoch{0} : reign->second.epoch;
}

void Node::trim_log() {
  if (store_.written > 3) store_.trim(store_.written / 2);
}

void Node::tell_index() {
  for (auto& [name, slave] : slaves_) {
    if (!slave.caught_up || !in_sync_.is_in_sync(name)) continue;
    slave.caught_up = false;
    obey(name, slave.primary.on_confirmed(true, network_.now()));
    break;
  }
  const auto report =
      in_sync_.next_report(store_.written_sequence(), settings_.sync && !waiting_.empty(), network_.now());
  if (!report) return;
  auto answered = std::make_shared<bool>(false);
  const auto ended = [this, life = life_, reign = reign_, report = *report, answered](InSyncSet::Outcome outcome) {
    if (life != life_ || !leading_ || std::exchange(*answered, true)) return;
    in_sync_.on_reported(report, outcome, network_.now());
    answer_writes();
  };
  surroundings_.tell_in_sync(*this, report->slave, report->epoch, report->joins, [this, ended](bool stored) {
    process([ended, stored] { ended(stored ? InSyncSet::Outcome::stored : InSyncSet::Outcome::refused); });
  });
  network_.after(2s, [this, ended] { process([ended] { ended(InSyncSet::Outcome::unknown); }); });
}

// A slave that its master has confirmed.
void Node::report_active() {
  if (std::exchange(reporting_, true)) return;
  surroundings_.tell_active(*this, [](bool) {});
  network_.after(1s, [this, life = life_] {
    if (life != life_) return;
    process([this] {
      reporting_ = false;
      if (plan_.tell_index_when_done && following_ && following_->confirmed) report_active();
    });
  });
}

void Node::follow() {
  if (following_ && (network_.now() - following_->heard > 2s || !following_->connection->is_open())) stop_following();
  if (!following_ && network_.now() >= connect_at_ && !promise_.holds(network_.now())) connect_to_master();
}

}  // namespace flare::sim
