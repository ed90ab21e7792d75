#include "flared/replication/source_session.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

namespace flare {

Epoch SourceShared::epoch() const {
  const auto last = storage.position().epoch;
  return callbacks.epoch ? std::max(callbacks.epoch(), last) : last;
}

Sequence SourceShared::committed() const { return callbacks.committed ? callbacks.committed() : Sequence{0}; }

SourceSession::SourceSession(std::shared_ptr<SourceShared> shared, StreamSocket socket, std::string unread,
                             std::string peer)
    : shared_(std::move(shared)),
      link_(std::move(socket)),
      unread_(std::move(unread)),
      peer_(std::move(peer)),
      wake_(shared_->executor),
      pace_(shared_->executor) {}

IoTask<> SourceSession::serve(std::shared_ptr<SourceSession> self, std::string line) {
  try {
    if (auto answer = refusal(line)) {
      co_await refuse(std::move(*answer));
    } else {
      replace_older_connection();
      started_ = is_follower();
      co_await start();
      if (link_.is_open()) {
        asio::co_spawn(shared_->executor, read_acks(self), asio::detached);
        co_await stream();
      }
    }
  } catch (const std::exception& error) {
    close(error.what());
  }
  close("ended");
  if (started_ && is_newest_connection() && shared_->callbacks.gone) shared_->callbacks.gone(slave());
  shared_->log.notice("replication: slave {} ({}): connection ended: {}", slave().text, peer_, end_reason_);
  std::erase(shared_->sessions, self);
  shared_->has_sessions = !shared_->sessions.empty();
}

// What is answered in place of a start; the hello is kept.
std::optional<std::string> SourceSession::refusal(const std::string& line) {
  backup_ = line.starts_with("repl backup");
  if (backup_) return backup_refusal(line);
  import_ = line.starts_with("repl import");
  auto hello = import_ ? parse_import(line) : parse_hello(line);
  if (!hello) return "CLIENT_ERROR " + hello.error();
  hello_ = std::move(*hello);
  if (!is_source()) return "SERVER_ERROR not master";
  if (import_) settle_import();
  const auto other_slaves = std::count_if(shared_->sessions.begin(), shared_->sessions.end(), [&](const auto& other) {
    return other->link_.is_open() && other->slave() != slave();
  });
  if (static_cast<std::size_t>(other_slaves) >= shared_->options.slaves_max) return "SERVER_ERROR too many slaves";
  return std::nullopt;
}

std::optional<std::string> SourceSession::backup_refusal(const std::string& line) {
  const auto request = parse_backup(line);
  if (!request) return "CLIENT_ERROR " + request.error();
  if (!shared_->callbacks.backup_head) return "SERVER_ERROR no backup from here";
  if (shared_->sessions.size() > shared_->options.slaves_max) return "SERVER_ERROR too many slaves";
  backup_kb_s_ = request->bandwidth_kb_s;
  hello_.slave = NodeKey{"backup:" + request->name};
  return std::nullopt;
}

// A new partition takes its keys from the masters of all others (cluster.md 6.2).
bool SourceSession::is_source() const {
  const auto& callbacks = shared_->callbacks;
  if (backup_) return true;
  if (!import_) return callbacks.is_master(hello_.partition);
  if (!callbacks.future_partition || callbacks.future_partition({}, hello_.partitions) == no_partition) return false;
  for (PartitionId other{0}; raw(other) < hello_.partitions; other = next(other)) {
    if (other != hello_.partition && callbacks.is_master(other)) return true;
  }
  return false;
}

// What an earlier split has left here is not this node's to give.
bool SourceSession::wanted(std::string_view key) const {
  if (!import_) return true;
  if (former_ && former_(key) != own_partition_) return false;
  return shared_->callbacks.future_partition(key, hello_.partitions) == hello_.partition;
}

bool SourceSession::wanted(const LogEntry& entry) const {
  if (entry.kind == EntryKind::flush) return true;
  return wanted(entry.key) && !(import_ && is_drop(entry));
}

void SourceSession::settle_import() {
  const auto& callbacks = shared_->callbacks;
  for (PartitionId other{0}; raw(other) < hello_.partitions; other = next(other)) {
    if (other != hello_.partition && callbacks.is_master(other)) own_partition_ = other;
  }
  if (callbacks.partitioning) former_ = callbacks.partitioning(hello_.partitions - 1);
}

IoTask<> SourceSession::refuse(std::string answer) {
  const auto line = answer + "\r\n";
  co_await send(line);
  close(std::move(answer));
}

// A slave that came back before the loss of its old connection was noticed here.
void SourceSession::replace_older_connection() {
  for (const auto& other : shared_->sessions) {
    if (other.get() != this && other->slave() == slave()) other->close("the slave has connected anew");
  }
}

bool SourceSession::is_newest_connection() const {
  return std::none_of(shared_->sessions.begin(), shared_->sessions.end(), [this](const auto& other) {
    return other.get() != this && other->link_.is_open() && other->slave() == slave();
  });
}

IoTask<> SourceSession::start() {
  if (import_ && hello_.position.log_id == LogId{0}) {
    co_return co_await send_snapshot("import of partition " + std::to_string(raw(hello_.partition)));
  }
  if (backup_) co_return co_await send_snapshot("backup");
  auto& storage = shared_->storage;
  std::string probe;
  const auto own = storage.position();
  const auto epochs = storage.epochs();
  const bool reaches_back = storage.read_log(sequence_needed(hello_, own, epochs), 1, probe).has_value();
  auto decision = decide_start(hello_, own, epochs, reaches_back, import_ ? Epoch{0} : shared_->epoch());
  switch (decision.kind) {
    case StartDecision::Kind::refused:
      co_return co_await refuse("SERVER_ERROR " + decision.reason);
    case StartDecision::Kind::resume:
      co_return co_await resume();
    case StartDecision::Kind::keys:
      if (is_follower()) co_return co_await send_keys(std::move(decision));
      [[fallthrough]];
    case StartDecision::Kind::snapshot:
      co_return co_await send_snapshot(decision.reason);
  }
}

IoTask<> SourceSession::resume() {
  const auto& position = hello_.position;
  shared_->log.notice("replication: slave {} ({}) resumes after epoch {} sequence {}", slave().text, peer_,
                      raw(position.epoch), raw(position.sequence));
  primary_.emplace(position.sequence, false, Clock::now(), shared_->options.times);
  std::string out;
  stream::append(out, stream::Ok{position});
  append_ping(out);
  co_await send(out);
}

IoTask<> SourceSession::wait(StreamTimes::Duration at_most) {
  wake_.expires_after(at_most);
  co_await wake_.async_wait(use_task);
}

void SourceSession::wake() { wake_.cancel(); }

void SourceSession::close(std::string reason) {
  if (end_reason_.empty()) end_reason_ = std::move(reason);
  link_.close();
  wake_.cancel();
  pace_.cancel();
}

SourceFigures SourceSession::figures() const {
  SourceFigures figures;
  figures.slave = slave();
  figures.peer = peer_;
  figures.state = state_;
  figures.snapshots_served = snapshots_served_;
  figures.build = build_;
  if (!primary_) return figures;
  figures.sent = primary_->sent();
  figures.acknowledged = primary_->acknowledged();
  figures.lag_entries = primary_->lag(shared_->storage.written_sequence());
  figures.in_sync = primary_->in_sync();
  return figures;
}

}  // namespace flare
