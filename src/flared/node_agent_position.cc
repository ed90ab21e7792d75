// Where this node stands, and what it promises with the answer (docs/replication.md 10).
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "flared/node_agent.h"
#include "flared/position_request.h"
#include "flared/replication/in_sync_members.h"
#include "flared/replication/version_floor.h"
#include "flared/storage/file_tools.h"

namespace flare {

namespace {

using Clock = std::chrono::steady_clock;

std::string refused(std::string_view why) { return "SERVER_ERROR " + std::string{why} + "\r\n"; }

}  // namespace

// A promise outlives the process that gave it.
void NodeAgent::recall_promise() {
  if (setup_.promise_path.empty()) return;
  const auto text = read_small_file(setup_.promise_path);
  if (!text) return;
  if (const auto given = parse_promise(*text)) {
    promise_.give(*given, Clock::now());
  } else {
    log_.warning("{} is damaged: what it promised to the index is not known", setup_.promise_path);
  }
}

// docs/replication.md 6: stored before the first write, and known after a restart.
IoTask<> NodeAgent::settle_versions(Epoch epoch) {
  const auto& path = setup_.taken_over_path;
  const auto partition = plan_.partition;
  if (took_over_ && !path.empty()) {
    auto store = [path, text = format_taken_over(partition)] { return replace_file(path, text); };
    try {
      const auto error = co_await pool_.run(std::move(store));
      if (error != 0) log_.error("{}: cannot be written: {}", path, error_text(error));
    } catch (const boost::system::system_error& error) {
      log_.error("{}: cannot be written: {}", path, error.what());
    }
  }
  const auto text = path.empty() ? std::nullopt : read_small_file(path);
  const bool later = took_over_ || (text && parse_taken_over(*text) == partition);
  storage_.set_version_floor(later ? version_floor(epoch) : RecordVersion{0});
}

std::string NodeAgent::position_refusal(PartitionId partition) const {
  const auto own = own_entry();
  if (!own || own->role == Role::proxy || own->partition != partition || leaving_) {
    return "this node does not hold that partition";
  }
  const auto state = follower_.figures().state;
  if (!storage_.inexact_keys().empty()) return "build incomplete";
  if (own->state == State::prepare || build_incomplete() || state == FollowState::snapshot) return "build incomplete";
  return {};
}

Result<Position, StorageError> NodeAgent::written_position() {
  Storage::Batch batch{storage_};
  const auto written = storage_.write_log();
  if (!written) return written.error();
  return storage_.position();
}

IoTask<std::string> NodeAgent::position(std::string words) {
  const auto request = parse_position_request(words);
  if (!request) co_return std::string{"CLIENT_ERROR position: <partition> <epoch> [leaving]\r\n"};
  if (const auto refusal = position_refusal(request->asked.partition); !refusal.empty()) co_return refused(refusal);
  if (request->leaving) {
    // design.md 3.7: the operator's tools flush a node that they believe to be down.
    if (leading_) {
      was_down_at_ = Clock::now();
      const auto failed = co_await hold_writes();
      if (!failed.empty()) co_return refused(failed);
    }
  } else if (request->asked.epoch != Epoch{0}) {
    auto failed = co_await promise(request->asked);
    if (!failed.empty()) co_return refused(failed);
  }
  const auto position = written_position();
  if (!position) co_return refused("the update log cannot be written");
  co_return format_position(*position);
}

// What is answered behind it stays true until the map that names another master, or until `departure_` ends: no worker
// executes a write meanwhile. Those that come wait in the way of requests for a node that is not ready.
IoTask<std::string> NodeAgent::hold_writes() {
  std::string failed;
  if (!begin_hold()) {
    failed = "its writes have waited long enough and go on";
    co_return failed;
  }
  const bool settled = co_await workers_settled();
  if (!settled) failed = "its workers are busy";
  if (settled && (!leading_ || !departure_.holds(Clock::now()))) failed = "its writes go on";
  co_return failed;
}

bool NodeAgent::begin_hold() {
  if (!departure_.asked(Clock::now())) return false;
  if (!view_->departing) {
    mark_split_anew();
    publish_(view_);
  }
  if (!std::exchange(releasing_, true)) asio::co_spawn(executor_, release_writes(), asio::detached);
  return true;
}

IoTask<> NodeAgent::release_writes() {
  Timer end{executor_};
  while (departure_.holds(Clock::now())) {
    end.expires_at(departure_.ends_at());
    co_await end.async_wait(use_task);
  }
  releasing_ = false;
  if (!view_->departing) co_return;
  log_.notice("this master was asked to go and was not relieved: its writes go on");
  mark_split_anew();
  publish_(view_);
}

// From the moment of the promise no stream is taken: what is answered behind it must stay true.
IoTask<std::string> NodeAgent::promise(Promise::Given asked) {
  if (leads_or_will()) co_return std::string{"this node is the master"};
  auto refusal = promise_.refusal(asked, epoch_of(view_->map, asked.partition), Clock::now());
  if (!refusal.empty()) co_return refusal;
  promise_.give(asked, Clock::now());
  follower_.stop();
  follow_master();  // as soon as the promise has lapsed
  auto store = [path = setup_.promise_path, text = format_promise(asked)] { return replace_file(path, text); };
  const auto error = setup_.promise_path.empty() ? 0 : co_await pool_.run(std::move(store));
  if (error != 0) {
    log_.error("{}: the promise to the index cannot be stored: {}", setup_.promise_path, error_text(error));
    co_return std::string{"the promise cannot be stored"};
  }
  co_await follower_.stopped();
  if (!promise_.holds(Clock::now())) co_return std::string{"the promise has lapsed meanwhile"};
  co_return std::string{};
}

// Waits out the promise, unless a map has ended it.
IoTask<> NodeAgent::follow_later() {
  Timer lapse{executor_};
  while (promise_.holds(Clock::now())) {
    lapse.expires_at(promise_.lapses_at());
    co_await lapse.async_wait(use_task);
  }
  following_later_ = false;
  if (!leaving_ && plan_.kind == ReplicationPlan::Kind::follow) follow_master();
}

void NodeAgent::follow_master() {
  if (plan_.kind != ReplicationPlan::Kind::follow || !workers_act_anew_) return;
  if (promise_.holds(Clock::now())) {
    if (!std::exchange(following_later_, true)) asio::co_spawn(executor_, follow_later(), asio::detached);
    return;
  }
  const Node& master = plan_.sources.front();
  follower_.follow({master.server_name, master.port, plan_.partition, plan_.partitions, own_key_, setup_.bind_address,
                    epoch_of(view_->map, plan_.partition)});
}

}  // namespace flare
