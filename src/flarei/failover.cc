#include "flarei/failover.h"

#include <algorithm>
#include <tuple>

#include "flarei/map_query.h"
#include "flarei/reigns.h"

namespace flare {

namespace {

const Node* active_master(const NodeMap& map, const NodeKey& key) {
  const auto found = map.nodes.find(key);
  if (found == map.nodes.end()) return nullptr;
  const Node& node = found->second;
  return node.role == Role::master && node.state == State::active ? &node : nullptr;
}

bool has_active_slave(const NodeMap& map, PartitionId partition) {
  return std::any_of(map.nodes.begin(), map.nodes.end(),
                     [&](const auto& entry) { return is_active_slave(entry.second, partition); });
}

}  // namespace

std::vector<Candidate> candidates(const NodeMap& map, const NodeKey& master, const HealthOf& health) {
  std::vector<Candidate> found;
  const auto* leader = active_master(map, master);
  if (!leader) return found;
  const auto reign = reign_of(map, leader->partition);
  for (const auto& [key, node] : map.nodes) {  // in key order, which the sort below keeps among equals
    if (is_active_slave(node, leader->partition) && reign.in_sync.contains(key)) found.push_back({key, health(key)});
  }
  const auto rank = [&map](const Candidate& candidate) {
    return std::tuple{candidate.health.silent, candidate.health.original, -map.nodes.at(candidate.key).balance};
  };
  std::stable_sort(found.begin(), found.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return found;
}

Election::Election(const NodeMap& map, const NodeKey& master, const HealthOf& health, Time now)
    : epoch_{raw(next(map.version))}, started_(now) {
  if (const auto* leader = active_master(map, master)) partition_ = leader->partition;
  for (auto& candidate : candidates(map, master, health)) entries_.push_back({std::move(candidate)});
  if (entries_.size() < 2) return;
  const bool somebody_answers = !entries_.front().candidate.health.silent;
  for (auto& entry : entries_) {
    const auto& known = entry.candidate.health;
    if (!known.original && !(known.silent && somebody_answers)) entry.word = Word::asked;
  }
}

std::vector<NodeKey> Election::to_ask() const {
  std::vector<NodeKey> keys;
  for (const auto& entry : entries_) {
    if (entry.word == Word::asked) keys.push_back(entry.candidate.key);
  }
  return keys;
}

Election::Entry* Election::entry_of(const NodeKey& key) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.candidate.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

void Election::answered(const NodeKey& key, LogPosition position, Time now) {
  auto* const entry = entry_of(key);
  if (!entry || entry->word != Word::asked) return;
  entry->word = Word::answered;
  entry->position = position;
  if (!first_answer_) first_answer_ = now;
}

void Election::refused(const NodeKey& key) {
  if (auto* const entry = entry_of(key)) entry->word = Word::refused;
}

void Election::failed(const NodeKey& key) {
  auto* const entry = entry_of(key);
  if (entry && entry->word == Word::asked) entry->word = Word::failed;
}

Election::Time Election::decides_at() const {
  const bool waits =
      std::any_of(entries_.begin(), entries_.end(), [](const Entry& e) { return e.word == Word::asked; });
  if (!waits) return started_;
  const auto latest = started_ + answer_deadline;
  return first_answer_ ? std::min(latest, *first_answer_ + patience_after_first) : latest;
}

std::optional<NodeKey> Election::choice() const {
  // Those that answered, by what they have; then originals, which may live; then those that hang.
  const auto rank = [](const Entry& entry) {
    if (entry.word == Word::answered) return 0;
    if (entry.word == Word::not_asked) return 1;
    return 2;
  };
  const Entry* best = nullptr;
  for (const auto& entry : entries_) {
    if (entry.word == Word::refused) continue;
    const bool better =
        !best || rank(entry) < rank(*best) || (rank(entry) == rank(*best) && entry.position > best->position);
    if (better) best = &entry;
  }
  return best ? std::optional{best->candidate.key} : std::nullopt;
}

Handover plan_handover(const NodeMap& map, const NodeKey& key, const HealthOf& health) {
  Handover plan;
  const auto* leader = active_master(map, key);
  if (!leader || !has_active_slave(map, leader->partition)) return plan;
  plan.partition = leader->partition;
  const auto in_sync = candidates(map, key, health);
  for (const auto& candidate : in_sync) {
    if (!candidate.health.original) plan.slaves.push_back(candidate.key);
  }
  if (in_sync.empty()) {
    plan.kind = Handover::Kind::refuse;
  } else if (plan.slaves.empty() || health(key).original) {
    plan.kind = Handover::Kind::elect;
  } else {
    plan.kind = Handover::Kind::ask;
  }
  return plan;
}

std::optional<NodeKey> has_all(const Handover& handover, LogPosition master,
                               const std::map<NodeKey, LogPosition>& slaves) {
  for (const auto& key : handover.slaves) {
    const auto found = slaves.find(key);
    if (found != slaves.end() && found->second >= master) return key;
  }
  return std::nullopt;
}

}  // namespace flare
