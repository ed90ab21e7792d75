// What a map asks of this node: to lead, to follow, to gather, or nothing (docs/spec/cluster.md 1.7).
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "flared/node_agent.h"
#include "flared/original_targets.h"
#include "flared/replication/in_sync_members.h"

namespace flare {

namespace {

bool same_work(const ReplicationPlan& a, const ReplicationPlan& b) {
  if (a.kind != b.kind || a.partition != b.partition || a.sources.size() != b.sources.size()) return false;
  if (a.kind == ReplicationPlan::Kind::import && a.partitions != b.partitions) return false;
  for (std::size_t i = 0; i < a.sources.size(); ++i) {
    if (a.sources[i].key() != b.sources[i].key()) return false;
  }
  return true;
}

bool is_slave(const std::optional<Node>& node) { return node && node->role == Role::slave; }

bool leads(const ReplicationPlan& plan) {
  return plan.kind == ReplicationPlan::Kind::lead || plan.kind == ReplicationPlan::Kind::import;
}

}  // namespace

bool NodeAgent::leads_or_will() const { return leads(plan_); }

void NodeAgent::carry_out(const ReplicationPlan& plan) {
  if (leaving_) return;
  if (same_work(plan, plan_)) {
    const bool to_be_told = plan.tell_index_when_done && !plan_.tell_index_when_done;
    plan_.tell_index_when_done = plan.tell_index_when_done;
    if (leading_ || !leads(plan_)) publish_(view_);
    if (taking_over_) gather(masters_beside(view_->map, own_key_));  // one of them may have failed over
    // It may follow already (an old map came late) and be in sync: confirmed anew, so that the index hears of it.
    const bool stopped = follower_.figures().state == FollowState::idle;  // by a promise that this map has ended
    if (to_be_told || stopped) follow_master();
    return;
  }
  const bool led = leading_ && leads(plan) && !plan.new_reign;
  const bool activated = plan_.kind == ReplicationPlan::Kind::import && plan.kind == ReplicationPlan::Kind::lead && led;
  const bool gathers_on = led && plan_.kind == plan.kind && plan.kind == ReplicationPlan::Kind::import;
  plan_ = plan;
  ++round_;
  if (std::exchange(taking_over_, false)) mark_split_anew();
  if (activated) begin_takeover();
  if (!activated && !gathers_on) importer_.stop();
  if (plan.kind != ReplicationPlan::Kind::follow) follower_.stop();
  if (!led) {
    leading_ = false;
    departure_.done();
    if (view_->departing) mark_split_anew();
    if (!leads(plan)) took_over_ = false;
    sources_.stop_all();
    keeper_.stop();
    gate_.forget();
    workers_act_anew_ = false;
  }
  if (leads(plan)) {
    if (led) {
      publish_(view_);
      if (gathers_on) start_import();  // from the next master of a partition that has failed over
    } else {
      mark_split_anew();
      publish_(view_);
      asio::co_spawn(executor_, lead(round_), asio::detached);
    }
    return;
  }
  publish_(view_);
  asio::co_spawn(executor_, leave_former_role(round_), asio::detached);
}

// Until every worker has taken the new map some still execute by the former one. What they number then is in no copy
// that could be promoted, so nobody may call it committed: neither this node, which as a proxy waits for nobody, nor
// the next master's stream, which has other entries of these numbers (docs/replication.md 9).
IoTask<> NodeAgent::leave_former_role(std::uint64_t round) {
  bool settled = false;
  while (!settled && round == round_) {
    settled = co_await workers_settled();
    if (!settled) log_.warning("map {}: the workers are busy and have not taken it yet", raw(view_->map.version));
  }
  if (round != round_) co_return;
  workers_act_anew_ = true;
  gate_.forget();
  if (!leaving_) follow_master();
  if (plan_.kind == ReplicationPlan::Kind::none && !is_slave(own_entry())) gate_.stand_alone();
}

// The new reign's epoch is stored before its first entry (docs/replication.md 2), so the workers hear of it afterwards.
IoTask<> NodeAgent::lead(std::uint64_t round) {
  co_await follower_.stopped();
  if (round != round_) co_return;
  const auto epochs = storage_.epochs();
  const auto highest = epochs.empty() ? 0 : raw(epochs.back().epoch);
  // Of an original index the map's version stands for it (docs/replication.md 2).
  const auto known = view_->map.reigns.empty() ? raw(view_->map.version) : raw(epoch_of(view_->map, plan_.partition));
  const Epoch epoch{std::max(known, highest + 1)};
  if (const auto stored = storage_.set_epoch(epoch); !stored) {
    log_.error("epoch {} cannot be stored in the update log: this node takes no writes as master", raw(epoch));
    co_return;
  }
  co_await settle_versions(epoch);
  if (round != round_) co_return;
  leading_ = true;
  reign_ = epoch;
  keeper_.lead(in_sync_members(view_->map, plan_.partition));
  log_.notice("master of partition {} in epoch {}", raw(plan_.partition), raw(epoch));
  mark_split_anew();
  publish_(view_);
  serve_originals();
  if (plan_.kind != ReplicationPlan::Kind::import) co_return;
  // What an original master sends here before the workers know of the new partition goes back to it: it has to be in
  // its dump.
  while (round == round_ && !co_await workers_settled()) {
  }
  if (round == round_) start_import();
}

// Every slave that the map shows, whatever it is: who is of ours comes by itself, and is left alone.
void NodeAgent::serve_originals() {
  std::vector<OriginalSlaves::Target> targets;
  if (leading_ && !leaving_) targets = targets_of_master(*view_, own_key_);
  original_slaves_.serve(std::move(targets));
}

}  // namespace flare
