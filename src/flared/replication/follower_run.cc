#include "flared/replication/follower_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

#include "common/base/limits.h"
#include "common/base/long_work.h"
#include "flared/replication/source_greeting.h"
#include "flared/replication/storage_failure.h"

namespace flare {

namespace {

constexpr std::size_t read_bytes = 256 * 1024;

// Why an attempt ended that nobody needs to hear of.
const std::string stopped_by_us = "stopped";

}  // namespace

FollowerRun::FollowerRun(IoExecutor executor, Storage& storage, BlockingPool& pool, Follower::Callbacks callbacks,
                         FollowerOptions options)
    : executor_(executor),
      storage_(storage),
      pool_(pool),
      callbacks_(std::move(callbacks)),
      options_(options),
      pause_(executor),
      ended_(executor, Timer::time_point::max()) {
  if (!options_.originals) return;
  original_ = std::make_unique<OriginalMaster>(
      OriginalMaster::Parts{executor_, storage_, pool_, *options_.originals, figures_, [this] { say_confirmed(); },
                            [this] {
                              if (callbacks_.replaced) callbacks_.replaced();
                            },
                            [this](const std::string& reason) { report(reason); }},
      options_);
}

void FollowerRun::follow(Follower::Target target) {
  close_connection();
  if (options_.originals) options_.originals->close();  // nobody but the new master writes from now on
  ++round_;
  target_ = std::move(target);
  confirmed_ = false;
  last_report_.clear();
  figures_.state = FollowState::connecting;
  if (std::exchange(running_, true)) return;
  asio::co_spawn(executor_, loop(shared_from_this()), asio::detached);
}

void FollowerRun::stop() {
  close_connection();
  ++round_;
  target_.reset();
  figures_.state = FollowState::idle;
  figures_.lag_entries = 0;
}

void FollowerRun::abandon() {
  stop();
  callbacks_ = {};
}

// The coroutine that uses them finds them closed and frees them.
void FollowerRun::close_connection() {
  if (client_) client_->close();
  if (connection_) connection_->link.close();
  if (original_) original_->stop();
  pause_.cancel();
}

IoTask<> FollowerRun::stopped() {
  const auto self = shared_from_this();
  while (running_) co_await ended_.async_wait(use_task);
}

IoTask<> FollowerRun::loop([[maybe_unused]] std::shared_ptr<FollowerRun> self) {
  auto pause = options_.pause_min;
  while (target_) {
    const auto round = round_;
    Ended ended;
    streamed_ = false;
    try {
      auto target = *target_;
      ended = co_await attempt(target, round);
      if (ended.original && original_ && round == round_) {
        client_.reset();
        figures_.original = true;
        if (callbacks_.original) callbacks_.original(true);
        ended.reason = co_await original_->follow(std::move(target));
        figures_.original = false;
        if (round == round_ && callbacks_.original) callbacks_.original(false);
      }
    } catch (const std::exception& error) {
      ended.reason = error.what();
    }
    connection_.reset();
    client_.reset();
    if (streamed_ || round != round_) pause = options_.pause_min;
    if (round != round_) continue;
    figures_.state = FollowState::connecting;
    report(ended.reason);
    pause_.expires_after(ended.original && !original_ ? options_.original_pause : pause);
    co_await pause_.async_wait(use_task);
    pause = std::min(2 * pause, options_.pause_max);
  }
  running_ = false;
  ended_.cancel();
}

void FollowerRun::report(const std::string& reason) {
  if (reason == std::exchange(last_report_, reason) || !callbacks_.failed) return;
  callbacks_.failed(fmt::format("replication from {}:{}: {}", target_->host, target_->port, reason));
}

IoTask<FollowerRun::Ended> FollowerRun::attempt(Follower::Target target, std::uint64_t round) {
  client_ = std::make_unique<PeerClient>(executor_);
  const auto greeted = co_await greet_source(*client_, target.host, target.port, target.bind_address,
                                             options_.introduce, options_.times.snapshot_silent_max);
  if (round != round_) co_return Ended{stopped_by_us};
  if (!greeted) co_return Ended{greeted.error(), greeted.error() == original_master_text};
  const auto hello = say_hello(target);
  if (!hello) co_return Ended{hello.error()};
  const auto line = format_hello(*hello) + "\r\n";
  const auto sent = co_await client_->write(line, limits::peer_write_deadline);
  if (round != round_) co_return Ended{stopped_by_us};
  if (!sent) co_return Ended{"hello: " + sent.error().message()};
  auto unread = client_->take_unread();
  auto socket = client_->release();
  const auto data_bytes_max = options_.data_bytes_max;
  connection_ = std::make_unique<Connection>(std::move(socket), *hello, target.epoch_known, data_bytes_max);
  connection_->buffer = std::move(unread);
  Ended ended;
  ended.reason = co_await run_stream(round);
  co_return ended;
}

// Where the store stands: everything up to there must be in our log first.
Result<Hello, std::string> FollowerRun::say_hello(const Follower::Target& target) {
  Storage::Batch batch{storage_};
  const auto written = storage_.write_log();
  if (!written) return store_failed("writing the log", written.error());
  Hello hello{target.partition, target.partitions, storage_.position(), storage_.epochs(), target.own_key};
  hello.keys_due = !storage_.inexact_keys().empty();
  if (!needs_snapshot_) surplus_due_ = 0;
  // The store does not take what follows there by its number (a reign here that wrote nothing): begin anew.
  if (std::exchange(needs_snapshot_, false)) hello.position.log_id = LogId{~raw(hello.position.log_id)};
  return hello;
}

IoTask<std::string> FollowerRun::run_stream(std::uint64_t round) {
  auto& connection = *connection_;
  for (;;) {
    auto ended = co_await take_messages(round);
    if (!ended.empty()) co_return ended;
    if (connection.backup.state() == Backup::State::streaming) {
      ended = co_await acknowledge();
      if (!ended.empty()) co_return ended;
    }
    const auto filled = co_await connection.link.read(connection.buffer, read_bytes, silent_max());
    if (round != round_) co_return stopped_by_us;
    if (!filled) co_return "connection lost: " + filled.error().message();
  }
}

StreamTimes::Duration FollowerRun::silent_max() const {
  return connection_->backup.state() == Backup::State::streaming ? options_.times.source_silent_max
                                                                 : options_.times.snapshot_silent_max;
}

// All whole messages of the buffer. Empty: more bytes are needed; else why the connection ends.
IoTask<std::string> FollowerRun::take_messages(std::uint64_t round) {
  auto& connection = *connection_;
  std::string_view unread{connection.buffer};
  for (;;) {
    Backup::Action action;
    if (connection.backup.state() == Backup::State::loading) {
      action = co_await load(unread);
      if (round != round_) co_return stopped_by_us;
    } else {
      action = apply(unread);
    }
    note_progress();
    if (std::holds_alternative<Backup::Nothing>(action)) break;
    auto failed = co_await obey(std::move(action));
    if (round != round_) co_return stopped_by_us;
    if (!failed.empty()) co_return failed;
  }
  connection.buffer.erase(0, connection.buffer.size() - unread.size());
  co_return std::string{};
}

// Entries are applied here, between two messages that need another place; one write of the log for all of them.
Backup::Action FollowerRun::apply(std::string_view& unread) {
  Storage::Batch batch{storage_};
  auto action = apply_entries(unread);
  const auto written = storage_.write_log();
  if (!written) return Backup::Refuse{store_failed("writing the log", written.error())};
  return action;
}

Backup::Action FollowerRun::apply_entries(std::string_view& unread) {
  for (;;) {
    auto action = next_action(*connection_, unread);
    if (!action) return Backup::Nothing{};
    const auto* apply = std::get_if<Backup::Apply>(&*action);
    if (apply == nullptr) {
      if (std::holds_alternative<Backup::Nothing>(*action)) continue;
      if (std::holds_alternative<Backup::Put>(*action) || std::holds_alternative<Backup::PutDeletion>(*action)) {
        if (take_fetched(*action)) continue;
        return Backup::Refuse{"what is to be taken back is too large for a fetch by keys: a snapshot follows"};
      }
      return std::move(*action);
    }
    if (apply->entry.kind == EntryKind::flush) return std::move(*action);
    const auto applied = storage_.apply(apply->entry);
    if (!applied) {
      needs_snapshot_ = applied.error() == StorageError::sequence_gap;
      return Backup::Refuse{store_failed("applying an entry", applied.error())};
    }
    ++figures_.entries_applied;
  }
}

// The next message's action; nullopt: no whole message is left.
std::optional<Backup::Action> FollowerRun::next_action(Connection& connection, std::string_view& unread) {
  const auto decoded = connection.decoder.next(unread);
  if (!decoded) return Backup::Refuse{fmt::format("bad message: {}", stream::to_text(decoded.error()))};
  if (!*decoded) return std::nullopt;
  return connection.backup.on_message(**decoded);
}

// Records go into the new store on the pool's thread; this coroutine, and so the connection's state, waits for it.
// Nobody else has that store's locks, so the thread may be put aside at any time.
IoTask<Backup::Action> FollowerRun::load(std::string_view& unread) {
  WorkTimes times;
  auto work = [&connection = *connection_, &unread, &times] {
    const GivesWay gives_way;
    const WorkWatch watch;
    auto action = load_records(connection, unread);
    times = watch.times();
    return action;
  };
  auto action = co_await pool_.run(std::move(work));
  if (const auto pause = pause_after(times); pause > pause.zero() && connection_->link.is_open()) {
    pause_.expires_after(pause);
    co_await pause_.async_wait(use_task);
  }
  co_return action;
}

Backup::Action FollowerRun::load_records(Connection& connection, std::string_view& unread) {
  for (;;) {
    auto action = next_action(connection, unread);
    if (!action) return Backup::Nothing{};
    if (std::holds_alternative<Backup::Nothing>(*action)) continue;
    if (const auto* deletion = std::get_if<Backup::PutDeletion>(&*action)) {
      const auto& [key, version, hold_until_s] = deletion->deleted;
      connection.replacement->put_deletion(key, version, hold_until_s);
      continue;
    }
    const auto* put = std::get_if<Backup::Put>(&*action);
    if (put == nullptr) return std::move(*action);
    const auto stored = connection.replacement->put(put->record.key, put->record.record);
    if (!stored) return Backup::Refuse{store_failed("storing a record of the snapshot", stored.error())};
  }
}

// What cannot be done between two entries. Empty: done; else why the connection ends.
IoTask<std::string> FollowerRun::obey(Backup::Action action) {
  if (auto* refuse = std::get_if<Backup::Refuse>(&action)) co_return std::move(refuse->reason);
  if (std::holds_alternative<Backup::BeginSnapshot>(action)) co_return co_await begin_replacement();
  if (auto* commit = std::get_if<Backup::Commit>(&action)) co_return co_await this->commit(std::move(*commit));
  if (const auto* fetch = std::get_if<Backup::FetchKeys>(&action)) co_return co_await fetch_keys(*fetch);
  if (const auto* keys = std::get_if<Backup::Correct>(&action)) co_return co_await correct(*keys);
  if (const auto* apply = std::get_if<Backup::Apply>(&action)) co_return co_await flush(apply->entry);
  if (std::holds_alternative<Backup::Confirmed>(action)) say_confirmed();
  co_return std::string{};
}

IoTask<std::string> FollowerRun::begin_replacement() {
  figures_.state = FollowState::snapshot;
  surplus_due_ = std::max(surplus_due_, connection_->backup.surplus());
  figures_.records_loaded = 0;
  figures_.build_began = std::chrono::steady_clock::now();
  figures_.records_expected = connection_->backup.expected();
  auto work = [this, items = figures_.records_expected] { return storage_.begin_replacement(items); };
  auto begun = co_await pool_.run(std::move(work));
  if (!begun) co_return store_failed("beginning a new store", begun.error());
  connection_->replacement = std::move(*begun);
  co_return std::string{};
}

IoTask<std::string> FollowerRun::commit(Backup::Commit commit) {
  const auto replacement = std::move(connection_->replacement);
  auto work = [&replacement, &commit] { return replacement->commit(commit.position, commit.epochs); };
  const auto committed = co_await pool_.run(std::move(work));
  if (!committed) co_return store_failed("swapping the new store in", committed.error());
  ++figures_.snapshots_loaded;
  count_lost();
  if (callbacks_.replaced) callbacks_.replaced();
  co_return std::string{};
}

// replication.md 11: the new master took over without them.
void FollowerRun::count_lost() {
  const auto lost = std::exchange(surplus_due_, 0);
  if (lost == 0) return;
  figures_.lost_writes += lost;
  if (callbacks_.failed) {
    callbacks_.failed(
        fmt::format("{} writes that were acknowledged asynchronously, by this node as master or by one before, were "
                    "unknown to {}:{} "
                    "and are undone",
                    lost, target_ ? target_->host : "its successor", target_ ? target_->port : 0));
  }
}

IoTask<std::string> FollowerRun::flush(LogEntry entry) {
  auto work = [this, entry]() -> Result<void, StorageError> {
    Storage::Batch batch{storage_};
    const auto applied = storage_.apply(entry);
    if (!applied) return applied;
    return storage_.write_log();
  };
  const auto flushed = co_await pool_.run(std::move(work));
  if (!flushed) co_return store_failed("flushing", flushed.error());
  ++figures_.entries_applied;
  co_return std::string{};
}

void FollowerRun::note_progress() {
  const auto& backup = connection_->backup;
  figures_.records_loaded = backup.loaded();
  figures_.lag_entries = backup.lag();
  if (backup.state() != Backup::State::streaming) return;
  streamed_ = true;
  last_report_.clear();
  if (figures_.state != FollowState::in_sync) figures_.state = FollowState::streaming;
  if (callbacks_.committed) callbacks_.committed(backup.committed());
}

void FollowerRun::say_confirmed() {
  figures_.state = FollowState::in_sync;
  if (!std::exchange(confirmed_, true) && callbacks_.confirmed) callbacks_.confirmed();
}

// At once for each batch of entries and each stamp: a sync write waits for it. Not for a PING that only tells how far
// the source has got with our last one.
IoTask<std::string> FollowerRun::acknowledge() {
  const auto ack = connection_->backup.ack(storage_.durable_sequence());
  if (connection_->acknowledged == ack) co_return std::string{};
  connection_->acknowledged = ack;
  std::string out;
  stream::append(out, ack);
  const auto written = co_await connection_->link.write(out, options_.times.source_silent_max);
  co_return written ? std::string{} : "acknowledging: " + written.error().message();
}

}  // namespace flare
