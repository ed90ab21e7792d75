#include "flared/replication/in_sync_keeper.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

namespace flare {

namespace {

constexpr std::chrono::milliseconds look_each{100};
constexpr std::chrono::milliseconds calm_look_each{500};  // in async, while nobody waits
constexpr std::chrono::seconds join_patience{3};
// Beyond sync-timeout: the index has to store the removal of a silent slave. Clients give up after 5 s, by habit.
constexpr std::chrono::seconds removal_patience{3};

}  // namespace

InSyncKeeper::InSyncKeeper(IoExecutor executor, NodeKey own, Storage& storage, CommitGate& gate, Log& log,
                           Callbacks callbacks)
    : executor_(executor),
      storage_(storage),
      gate_(gate),
      log_(log),
      callbacks_(std::move(callbacks)),
      set_(std::move(own), options_),
      look_timer_(executor),
      changed_(executor, Timer::time_point::max()) {
  gate_.on_waiting([this, executor, alive = std::weak_ptr{alive_}] {
    asio::post(executor, [this, alive] {
      if (!alive.expired()) begin_watching();
    });
  });
}

InSyncKeeper::~InSyncKeeper() { gate_.on_waiting(nullptr); }

void InSyncKeeper::set_options(const InSyncOptions& options) {
  options_ = options;
  set_.set_options(options);
  gate_.set_patience(options.sync_silent_max + removal_patience);
  gate_.set_sync(options.sync);
  if (leads_) settle();
}

void InSyncKeeper::lead(const InSyncSet::Members& members) {
  ++round_;
  leads_ = true;
  gate_.forget();
  set_.lead(members, Clock::now());
  settle();
}

void InSyncKeeper::on_map(const InSyncSet::Members& members) {
  if (!leads_) return;
  begin_to_wait();
  set_.on_map(members, Clock::now());
  settle();
  changed_.cancel();
  tell_what_is_due();
}

void InSyncKeeper::stop() {
  if (!std::exchange(leads_, false)) return;
  ++round_;
  look_timer_.cancel();
  changed_.cancel();
  gate_.forget();
}

// Before a slave is waited for: what was answered until now counts as committed, and it has to reach that.
void InSyncKeeper::begin_to_wait() {
  if (!gate_.alone()) return;
  gate_.wait_for_slaves();
  set_.committed(storage_.written_sequence());
}

void InSyncKeeper::on_ack(const NodeKey& slave, Sequence acknowledged) {
  if (!leads_) return;
  begin_to_wait();
  set_.on_ack(slave, acknowledged, storage_.written_sequence(), Clock::now());
  settle();
  if (!set_.is_in_sync(slave)) tell_what_is_due();
}

void InSyncKeeper::on_original_ack(const NodeKey& slave, Sequence acknowledged, bool active) {
  if (!leads_) return;
  begin_to_wait();
  if (!active) set_.on_gone(slave);
  set_.on_ack(slave, acknowledged, storage_.written_sequence(), Clock::now());
  if (active) set_.on_caught_up(slave, storage_.written_sequence(), Clock::now());
  settle();
  if (!set_.is_in_sync(slave)) tell_what_is_due();
}

void InSyncKeeper::on_rebuild(const NodeKey& slave) {
  if (!leads_) return;
  set_.on_rebuild(slave);
  settle();
  tell_what_is_due();
}

void InSyncKeeper::on_gone(const NodeKey& slave) { set_.on_gone(slave); }

IoTask<bool> InSyncKeeper::join(NodeKey slave) {
  if (!leads_) co_return false;
  const auto round = round_;
  begin_to_wait();
  set_.on_caught_up(slave, storage_.written_sequence(), Clock::now());
  settle();
  tell_what_is_due();
  Timer patience{executor_};
  patience.expires_after(join_patience);
  patience.async_wait([this, alive = std::weak_ptr{alive_}](const error_code&) {
    if (!alive.expired()) changed_.cancel();
  });
  const auto until = Clock::now() + join_patience;
  while (round == round_ && !set_.is_in_sync(slave) && Clock::now() < until) co_await changed_.async_wait(use_task);
  co_return round == round_&& set_.is_in_sync(slave);
}

// The gate follows the set.
void InSyncKeeper::settle() {
  const auto before = gate_.committed();
  const auto committed = set_.committed(storage_.written_sequence());
  gate_.set_may_begin(set_.may_begin());
  gate_.commit(committed);
  if (set_.waits_for_nobody()) gate_.stand_alone();
  begin_watching();
  if (committed > before && callbacks_.committed_more) callbacks_.committed_more();
}

void InSyncKeeper::look() {
  tell_what_is_due();
  settle();
  gate_.expire(Clock::now());
}

void InSyncKeeper::tell_what_is_due() {
  if (const auto due = set_.next_report(storage_.written_sequence(), gate_.waited_for(), Clock::now())) {
    asio::co_spawn(executor_, report(*due, round_), asio::detached);
  }
}

bool InSyncKeeper::has_to_watch() const { return (leads_ && !set_.waits_for_nobody()) || gate_.waited_for(); }

void InSyncKeeper::begin_watching() {
  if (has_to_watch() && !std::exchange(watching_, true)) asio::co_spawn(executor_, watch(), asio::detached);
}

// While there is a slave that counts, or somebody waits, be it for a slave's own source.
IoTask<> InSyncKeeper::watch() {
  while (has_to_watch()) {
    look_timer_.expires_after(options_.sync || gate_.waited_for() ? look_each : calm_look_each);
    co_await look_timer_.async_wait(use_task);
    leads_ ? look() : gate_.expire(Clock::now());
  }
  watching_ = false;
}

IoTask<> InSyncKeeper::report(InSyncSet::Report report, std::uint64_t round) {
  auto outcome = Outcome::unknown;
  try {
    auto told = report;
    outcome = co_await callbacks_.tell(std::move(told));
  } catch (const std::exception& error) {
    log_.warning("replication: the index could not be told of {}: {}", report.slave.text, error.what());
  }
  if (round != round_) co_return;
  if (outcome == Outcome::stored) {
    log_.notice("replication: {} {} sync (epoch {})", report.slave.text, report.joins ? "is in" : "has left the",
                raw(report.epoch));
  }
  set_.on_reported(report, outcome, Clock::now());
  settle();
  changed_.cancel();
}

}  // namespace flare
