// What this node tells the index: of itself, of its slaves, and that it leaves.
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "flared/node_agent.h"

namespace flare {

namespace {

constexpr std::chrono::seconds tell_pause{1};
constexpr std::chrono::seconds leave_patience{2};  // for slaves that are behind

}  // namespace

IoTask<> NodeAgent::tell_index(std::uint64_t round, std::string state) {
  Timer pause{executor_};
  while (round == round_ && plan_.tell_index_when_done && !leaving_) {
    auto request = fmt::format("node state {} {} {}", setup_.server_name, setup_.port, state);
    const auto told = co_await index_.tell(std::move(request), tell_deadline);
    if (told || round != round_) co_return;
    log_.warning("{}", told.error().text);
    pause.expires_after(tell_pause);
    co_await pause.async_wait(use_task);
    if (round != round_ || plan_.kind != ReplicationPlan::Kind::follow) continue;
    if (told.error().kind != IndexLink::Failure::Kind::refused) continue;
    // An index that was restarted has forgotten what our master confirmed: let it be confirmed anew.
    follow_master();
    co_return;
  }
}

void NodeAgent::in_sync() {
  build_confirmed();
  if (plan_.tell_index_when_done) asio::co_spawn(executor_, tell_index(round_, "active"), asio::detached);
}

void NodeAgent::gathered() {
  if (plan_.tell_index_when_done) asio::co_spawn(executor_, tell_index(round_, "ready"), asio::detached);
}

void NodeAgent::build_confirmed() {
  const bool doubtful = std::exchange(doubtful_, false);
  if (!(std::exchange(building_, false) || doubtful) || !view_->build_incomplete) return;
  auto view = std::make_shared<RoutingView>(*view_);
  view->build_incomplete = false;
  build_incomplete_.store(false, std::memory_order_relaxed);
  view_ = std::move(view);
  publish_(view_);
}

IoTask<bool> NodeAgent::confirm_slave(NodeKey slave) {
  const auto found = view_->map.nodes.find(slave);
  if (!leading_ || found == view_->map.nodes.end() || found->second.role != Role::slave) co_return false;
  co_return co_await keeper_.join(std::move(slave));
}

IoTask<InSyncSet::Outcome> NodeAgent::tell_in_sync(InSyncSet::Report report) {
  const auto found = view_->map.nodes.find(report.slave);
  if (found == view_->map.nodes.end()) co_return InSyncSet::Outcome::refused;
  // An original index keeps no in-sync set: there a slave is none to be promoted when it is none (replication.md 8).
  const bool dismiss = !report.joins && !view_->map.reigns.contains(plan_.partition);
  auto request = dismiss ? fmt::format("node role {} {} proxy 0 -1", found->second.server_name, found->second.port)
                         : fmt::format("node insync {} {} {} {}", found->second.server_name, found->second.port,
                                       raw(report.epoch), report.joins ? 1 : 0);
  const auto told = co_await index_.tell(std::move(request), tell_deadline);
  if (told) co_return InSyncSet::Outcome::stored;
  // An original index knows no `node insync`: it takes the slave's own word (cluster.md 1.5).
  const bool refused = told.error().kind == IndexLink::Failure::Kind::refused;
  if (refused && told.error().text.find("'ERROR'") != std::string::npos) co_return InSyncSet::Outcome::not_a_thing;
  log_.warning("{}", told.error().text);
  co_return refused ? InSyncSet::Outcome::refused : InSyncSet::Outcome::unknown;
}

// As an original does with itself when its build has failed (cluster.md 1.2).
IoTask<bool> NodeAgent::dismiss_slave(NodeKey slave) {
  const auto found = view_->map.nodes.find(slave);
  if (!leading_ || found == view_->map.nodes.end() || found->second.role != Role::slave) co_return false;
  auto request = fmt::format("node role {} {} proxy 0 -1", found->second.server_name, found->second.port);
  const auto told = co_await index_.tell(std::move(request), tell_deadline);
  if (!told) log_.warning("{}", told.error().text);
  co_return told.has_value();
}

bool NodeAgent::slaves_have_all() const {
  const auto last = storage_.written_sequence();
  for (const auto& slave : original_slaves_.figures()) {
    if (slave.acknowledged < last) return false;
  }
  for (const auto& slave : sources_.figures()) {
    if (slave.state == SourceState::stream && slave.acknowledged < last) return false;
  }
  return true;
}

IoTask<> NodeAgent::leave() {
  leaving_ = true;
  ++round_;
  Timer pause{executor_};
  const auto patience = std::chrono::steady_clock::now() + leave_patience;
  while (((leading_ && !slaves_have_all()) || original_slaves_.are_finishing()) &&
         std::chrono::steady_clock::now() < patience) {
    pause.expires_after(std::chrono::milliseconds{10});
    co_await pause.async_wait(use_task);
  }
  auto request = fmt::format("shutdown {} {}", setup_.server_name, setup_.port);
  const auto told = co_await index_.tell(std::move(request), tell_deadline);
  if (!told) log_.warning("{}; the monitor will notice that this node is gone", told.error().text);
  importer_.stop();
  follower_.stop();
  sources_.stop_all();
  original_slaves_.stop_all();
  co_await follower_.stopped();
}

}  // namespace flare
