#include "flared/replication/in_sync_set.h"

#include <algorithm>
#include <utility>

namespace flare {

namespace {

// A slave counts as caught up while it is at most this far behind: under constant writes it is never exactly level.
constexpr std::uint64_t caught_up_lag_max = 256;
// The set is looked at several times a second. A longer gap is a pause of this process (SIGSTOP, a busy host), in which
// it heard nobody: nobody may be accused of silence for it.
constexpr std::chrono::seconds own_pause{1};

std::uint64_t lag(Sequence acknowledged, Sequence written) {
  return written > acknowledged ? raw(written) - raw(acknowledged) : 0;
}

}  // namespace

InSyncSet::InSyncSet(NodeKey own, InSyncOptions options) : own_(std::move(own)), options_(options) {}

void InSyncSet::lead(const Members& members, TimePoint now) {
  slaves_.clear();
  committed_ = Sequence{0};
  asked_.reset();
  reported_.reset();
  report_not_before_ = looked_at_ = now;
  on_map(members, now);
}

void InSyncSet::on_map(const Members& members, TimePoint now) {
  epoch_ = members.epoch;
  stored_ = members.stored;
  for (const auto& key : members.in_sync) {
    if (key != own_) take_member(slave(key, now));
  }
  for (auto& [key, slave] : slaves_) {
    if (!members.in_sync.contains(key)) take_absent(key, slave, members);
    // An index that has lost what it was told is told again.
    if (slave.standing == Standing::in && slave.follows && members.preparing.contains(key)) slave.to_be_told = true;
  }
}

// The map shows it in sync.
void InSyncSet::take_member(Slave& slave) const {
  if (slave.standing == Standing::out || slave.standing == Standing::joining) {
    slave.standing = Standing::in;
    slave.to_be_told = false;
    slave.asked.reset();
  }
  slave.since = std::max(slave.since, epoch_);
}

// The map does not show it in sync. Only a map of a later epoch than the one it joined with says that it has left: an
// older one may come after the index's OK.
void InSyncSet::take_absent(const NodeKey& key, Slave& slave, const Members& members) const {
  const bool is_slave = members.slaves.contains(key);
  switch (slave.standing) {
    case Standing::out:
      return;
    case Standing::joining:
      if (!is_slave) return take_out(slave);
      if (slave.asked && members.epoch > *slave.asked) slave.asked.reset();  // refused, then: the epoch has moved on
      return;
    case Standing::in:
    case Standing::leaving:
      if (!members.stored && is_slave) return;  // an original's slave becomes active by its own word
      if (members.epoch > slave.since || !is_slave) take_out(slave);
      return;
  }
}

void InSyncSet::take_out(Slave& slave) const {
  slave.standing = Standing::out;
  slave.to_be_told = false;
  slave.asked.reset();
}

InSyncSet::Slave& InSyncSet::slave(const NodeKey& key, TimePoint now) {
  const auto [found, added] = slaves_.try_emplace(key);
  if (added) found->second.heard = now;
  return found->second;
}

void InSyncSet::begin_to_join(Slave& slave, TimePoint now) {
  slave.standing = Standing::joining;
  slave.to_be_told = true;
  slave.must_reach = committed_;
  slave.heard = now;
}

void InSyncSet::on_ack(const NodeKey& key, Sequence acknowledged, Sequence written, TimePoint now) {
  auto& it = slave(key, now);
  it.acknowledged = acknowledged;
  it.heard = now;
  it.rebuilds = false;
  if (it.standing == Standing::out && it.follows && lag(acknowledged, written) <= caught_up_lag_max) {
    begin_to_join(it, now);
  }
}

void InSyncSet::on_caught_up(const NodeKey& key, Sequence written, TimePoint now) {
  auto& it = slave(key, now);
  it.follows = true;
  if (it.standing == Standing::out && lag(it.acknowledged, written) <= caught_up_lag_max) begin_to_join(it, now);
}

void InSyncSet::on_rebuild(const NodeKey& key) {
  const auto found = slaves_.find(key);
  if (found == slaves_.end()) return;
  found->second.acknowledged = Sequence{0};
  found->second.follows = false;
  found->second.rebuilds = true;
}

void InSyncSet::on_gone(const NodeKey& key) {
  const auto found = slaves_.find(key);
  if (found != slaves_.end()) found->second.follows = false;
}

bool InSyncSet::silent(const Slave& slave, bool waited_for, TimePoint now) const {
  return now - slave.heard > (options_.sync || waited_for ? options_.sync_silent_max : options_.async_silent_max);
}

// replication.md 8: silent, or in async too far behind. In sync its lag is bounded by the clients who wait; one that
// loads a snapshot has nothing that could be promoted.
bool InSyncSet::must_leave(const Slave& slave, Sequence written, bool waited_for, TimePoint now) const {
  if (slave.rebuilds || silent(slave, waited_for, now)) return true;
  if (options_.lag_max == 0 || options_.sync || !slave.follows) return false;
  return lag(slave.acknowledged, written) > options_.lag_max;
}

// replication.md 8: an original index can take a slave's role only, and nobody but an operator knows how long its
// monitor waits.
bool InSyncSet::is_dismissed(const Slave& slave, TimePoint now) const {
  const auto silent_max = options_.dismiss_silent_max;
  return silent_max > Duration::zero() && now - slave.heard > silent_max;
}

void InSyncSet::forgive_own_pause(TimePoint now) {
  const auto gap = now - std::exchange(looked_at_, now);
  if (gap <= own_pause) return;
  for (auto& [key, slave] : slaves_) slave.heard = std::min(now, slave.heard + gap);
}

std::optional<InSyncSet::Report> InSyncSet::next_report(Sequence written, bool waited_for, TimePoint now) {
  forgive_own_pause(now);
  if (asked_) return std::nullopt;
  // Each change raises the epoch: until the map that tells the new one is here, the index would refuse.
  if (reported_ && *reported_ >= epoch_ && now < report_not_before_) return std::nullopt;
  for (auto& [key, slave] : slaves_) {
    asked_ = report_of(key, slave, written, waited_for, now);
    if (asked_) return asked_;
  }
  return std::nullopt;
}

std::optional<InSyncSet::Report> InSyncSet::report_of(const NodeKey& key, Slave& slave, Sequence written,
                                                      bool waited_for, TimePoint now) {
  switch (slave.standing) {
    case Standing::out:
      return std::nullopt;
    case Standing::joining:
      // Nobody has been told of it. Once somebody was, it must be in before it can leave: a request that is still on
      // its way must not bring it in behind our back.
      if (!slave.asked && silent(slave, waited_for, now)) {
        take_out(slave);
        return std::nullopt;
      }
      if (!slave.asked && (!slave.follows || slave.acknowledged < slave.must_reach)) return std::nullopt;
      slave.asked = epoch_;
      return Report{key, epoch_, true};
    case Standing::in:
      if (stored_ ? must_leave(slave, written, waited_for, now) : is_dismissed(slave, now)) {
        slave.standing = Standing::leaving;
        return Report{key, epoch_, false};
      }
      if (slave.to_be_told) return Report{key, epoch_, true};
      return std::nullopt;
    case Standing::leaving:
      if (!stored_ && !is_dismissed(slave, now)) {
        slave.standing = Standing::in;  // it was refused, and is heard again: nothing is lost that it was waited for
        return std::nullopt;
      }
      return Report{key, epoch_, false};
  }
  return std::nullopt;
}

void InSyncSet::on_reported(const Report& report, Outcome outcome, TimePoint now) {
  asked_.reset();
  reported_ = report.epoch;
  report_not_before_ = now + options_.report_again_after;
  const auto found = slaves_.find(report.slave);
  if (found == slaves_.end()) return;
  auto& slave = found->second;
  const bool done = outcome == Outcome::stored || (report.joins && outcome == Outcome::not_a_thing);
  if (!done) {
    if (report.joins && outcome == Outcome::refused) slave.asked.reset();
    return;
  }
  if (!report.joins) {
    if (slave.standing == Standing::leaving) take_out(slave);
    return;
  }
  // By the map it may have come and gone meanwhile.
  if (slave.standing != Standing::joining && slave.standing != Standing::in) return;
  slave.standing = Standing::in;
  slave.to_be_told = false;
  slave.asked.reset();
  slave.since = std::max(slave.since, report.epoch);
}

Sequence InSyncSet::committed(Sequence written) {
  auto lowest = written;
  for (const auto& [key, slave] : slaves_) {
    if (slave.standing != Standing::out) lowest = std::min(lowest, slave.acknowledged);
  }
  committed_ = std::max(committed_, lowest);
  return committed_;
}

std::size_t InSyncSet::in_sync_nodes() const {
  return 1 + static_cast<std::size_t>(std::count_if(slaves_.begin(), slaves_.end(), [](const auto& entry) {
           return entry.second.standing == Standing::in;
         }));
}

bool InSyncSet::may_begin() const { return in_sync_nodes() >= static_cast<std::size_t>(options_.replicas_min); }

bool InSyncSet::is_in_sync(const NodeKey& key) const {
  const auto found = slaves_.find(key);
  return found != slaves_.end() && found->second.standing == Standing::in && !found->second.to_be_told;
}

bool InSyncSet::waits_for(const NodeKey& key) const {
  const auto found = slaves_.find(key);
  return found != slaves_.end() && found->second.standing != Standing::out;
}

bool InSyncSet::waits_for_nobody() const {
  return std::all_of(slaves_.begin(), slaves_.end(),
                     [](const auto& entry) { return entry.second.standing == Standing::out; });
}

}  // namespace flare
