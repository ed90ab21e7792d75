#include "flared/replication/source_session.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

#include "flared/replication/snapshot_encoder.h"
#include "flared/storage/log_codec.h"

namespace flare {

namespace {

constexpr std::size_t chunk_bytes_max = 256 * 1024;  // of the log, read and sent at once
constexpr std::size_t ack_bytes_max = 4096;
constexpr std::uint64_t paced_pieces_per_s = 10;
constexpr std::chrono::milliseconds paced_debt_max{100};

std::uint64_t stamp_of(std::chrono::steady_clock::time_point now) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
}

}  // namespace

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

IoTask<> SourceSession::send_snapshot(std::string why) {
  auto begin = [this] { return shared_->storage.begin_scan(); };
  const auto scan = co_await shared_->pool.run(std::move(begin));
  if (!scan) co_return close("the store cannot be scanned");
  const auto position = (*scan)->position();
  const auto expected = (*scan)->expected_items();
  shared_->log.notice("replication: slave {} ({}) gets a snapshot of {} records at epoch {} sequence {}: {}",
                      slave().text, peer_, expected, raw(position.epoch), raw(position.sequence), why);
  primary_.emplace(position.sequence, true, Clock::now(), shared_->options.times);
  if (is_follower() && shared_->callbacks.rebuilds) shared_->callbacks.rebuilds(slave());
  std::string out;
  if (backup_) out = shared_->callbacks.backup_head();
  stream::append(out, stream::SnapshotBegin{position, (*scan)->epochs(), expected});
  append_ping(out);
  co_await send(out);
  co_await send_records(**scan);
}

IoTask<> SourceSession::send_records(Scan& scan) {
  SnapshotEncoder encoder;
  build_ = {0, scan.expected_items(), Clock::now()};
  paced_until_ = build_.began;
  for (bool more = true; more && link_.is_open();) {
    auto gather = [&encoder, &scan] { return encoder.gather(scan); };
    const auto gathered = co_await shared_->pool.run(std::move(gather));
    if (!gathered) co_return close("the scan was broken off by a flush or an error");
    more = *gathered;
    if (import_ && !encoder.keep([this](std::string_view key) { return wanted(key); })) {
      co_return close("a record cannot be sent: its key or value is too large");
    }
    co_await send_paced(encoder.take(), encoder.records());
    build_.records += encoder.records();
  }
  // A scanned record may come from an entry that the kernel does not have yet. If we died now it would be lost here and
  // kept there, under a position that both know: so the end, without which the slave keeps nothing, waits for the log.
  co_await written_up_to(shared_->storage.position().sequence);
  if (!link_.is_open()) co_return;
  std::string out;
  stream::append(out, encoder.end());
  co_await send(out);
  primary_->on_snapshot_sent(Clock::now());
  ++snapshots_served_;
  ++shared_->snapshots_served;
}

IoTask<> SourceSession::written_up_to(Sequence last) {
  const auto until = Clock::now() + shared_->options.times.slave_silent_max;
  while (link_.is_open() && shared_->storage.written_sequence() < last) {
    if (Clock::now() >= until) co_return close("the log was not written in time");
    co_await wait(shared_->options.times.ping_each);
  }
}

IoTask<> SourceSession::stream() {
  state_ = SourceState::stream;
  std::string out;
  while (link_.is_open()) {
    out.clear();
    append_written(out);
    if (std::exchange(ping_due_, false)) append_ping(out);
    obey(primary_->on_timer(shared_->storage.written_sequence(), Clock::now()), out);
    if (std::exchange(committed_due_, false) && out.empty()) append_committed(out);
    if (insync_due_ && link_.is_open()) {
      insync_due_ = false;
      stream::append(out, stream::InSync{shared_->epoch(), primary_->sent()});
    }
    if (!out.empty()) {
      co_await send(out);
    } else if (link_.is_open()) {
      // Behind, with nothing of it wanted: let others run, then go on.
      const bool behind = shared_->storage.written_sequence() > primary_->sent();
      co_await wait(behind ? StreamTimes::Duration{0} : shared_->options.times.ping_each);
    }
  }
}

// Only what the kernel has leaves this node: read_log gives nothing else.
void SourceSession::append_written(std::string& out) {
  const auto& storage = shared_->storage;
  if (storage.written_sequence() <= primary_->sent()) return;
  chunk_.clear();
  const auto last = storage.read_log(primary_->sent(), chunk_bytes_max, chunk_);
  if (!last) {
    return close(last.error() == StorageError::too_old
                     ? "the log does not reach back any more: the slave needs a snapshot"
                     : "the log cannot be read");
  }
  std::string_view left{chunk_};
  auto sent = primary_->sent();
  while (!left.empty()) {
    const auto decoded = decode_entry(left);
    if (!decoded || decoded->entry.sequence != next(sent)) return close("the log is damaged");
    const auto& entry = decoded->entry;
    if (wanted(entry)) stream::append(out, stream::Entry{entry});
    sent = decoded->entry.sequence;
    left.remove_prefix(decoded->bytes);
  }
  primary_->on_sent(sent);
  if (chunk_.capacity() > 4 * chunk_bytes_max) chunk_ = {};  // after a huge value
}

void SourceSession::append_ping(std::string& out) {
  // An importer does not see every entry: it is told up to where it has been sent all of its own.
  const auto last = import_ ? primary_->sent() : shared_->storage.written_sequence();
  stamp_ = stamp_of(Clock::now());
  stream::append(out, stream::Ping{shared_->epoch(), last, stamp_, shared_->committed()});
}

// With the old stamp: the slave has nothing to say to it.
void SourceSession::append_committed(std::string& out) {
  if (!is_follower()) return;
  const auto last = shared_->storage.written_sequence();
  stream::append(out, stream::Ping{shared_->epoch(), last, stamp_, shared_->committed()});
}

void SourceSession::tell_committed() {
  committed_due_ = true;
  wake();
}

void SourceSession::obey(const Primary::Actions& actions, std::string& out) {
  if (actions.close) return close(*actions.close);
  if (actions.ping) {
    if (!is_source()) return close("this node is not the master any more");
    append_ping(out);
  }
  if (actions.confirm && (import_ || backup_)) {  // an importer tells the index itself when it has all of its sources
    insync_due_ = primary_->on_confirmed(true, Clock::now()).insync;
    return wake();
  }
  if (actions.confirm) asio::co_spawn(shared_->executor, confirm(shared_from_this()), asio::detached);
}

// Beside the stream, which must not wait for the index.
IoTask<> SourceSession::confirm([[maybe_unused]] std::shared_ptr<SourceSession> self) {
  bool told = false;
  try {
    told = co_await shared_->callbacks.confirm(slave(), shared_->epoch());
  } catch (const std::exception& error) {
    shared_->log.warning("replication: the index could not be told that {} is in sync: {}", slave().text, error.what());
  }
  insync_due_ = primary_->on_confirmed(told, Clock::now()).insync;
  wake();
}

IoTask<> SourceSession::read_acks([[maybe_unused]] std::shared_ptr<SourceSession> self) {
  while (link_.is_open() && take_acks()) {
    const auto silent_max = primary_->silent_max();
    const auto filled = co_await link_.read(unread_, ack_bytes_max, silent_max);
    if (!filled) close("reading: " + filled.error().message());
  }
  wake();
}

bool SourceSession::take_acks() {
  std::string_view left{unread_};
  bool acknowledged = false;
  for (;;) {
    const auto decoded = decoder_.next(left);
    if (!decoded) {
      close("bad ACK: " + std::string{to_text(decoded.error())});
      return false;
    }
    if (!*decoded) break;
    const auto* ack = std::get_if<stream::Ack>(&(*decoded)->message);
    if (ack == nullptr) {
      close("a message from the slave that is no ACK");
      return false;
    }
    std::string nothing;
    obey(primary_->on_message(*ack, shared_->storage.written_sequence(), Clock::now()), nothing);
    acknowledged = true;
  }
  unread_.erase(0, unread_.size() - left.size());
  const auto& callback = shared_->callbacks.acknowledged;
  if (acknowledged && is_follower() && callback && link_.is_open()) callback(slave(), primary_->acknowledged());
  return link_.is_open();
}

IoTask<> SourceSession::send(std::string_view bytes) {
  if (!link_.is_open()) co_return;
  const auto stalled_max = primary_ ? primary_->silent_max() : shared_->options.times.slave_silent_max;
  const auto written = co_await link_.write(bytes, stalled_max);
  if (!written) close("writing: " + written.error().message());
}

// reconstruction-bwlimit and -interval: in pieces, so that the slave hears us often even when it is slow.
IoTask<> SourceSession::send_paced(std::string_view bytes, std::uint64_t records) {
  // What gathering took counts too, but a stall is not made up for by a burst.
  auto& due = paced_until_;
  due = std::max(due, Clock::now() - paced_debt_max);
  while (!bytes.empty() && link_.is_open()) {
    const auto per_s = bytes_per_s();
    const auto piece = per_s == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), per_s / paced_pieces_per_s);
    co_await send(bytes.substr(0, piece));
    bytes.remove_prefix(piece);
    if (per_s != 0) due += std::chrono::microseconds{1'000'000 * piece / per_s};
    if (bytes.empty()) due += records * shared_->options.interval;
    if (due <= Clock::now() || !link_.is_open()) continue;
    pace_.expires_at(due);
    co_await pace_.async_wait(use_task);
  }
}

// The lower of the node's limit and the asker's; 0: none.
std::uint64_t SourceSession::bytes_per_s() const {
  const auto own = shared_->options.bandwidth_kb_s;
  const auto asked = backup_kb_s_;
  return (own == 0 || asked == 0 ? std::max(own, asked) : std::min(own, asked)) * 1024;
}

IoTask<> SourceSession::wait(StreamTimes::Duration at_most) {
  wake_.expires_after(at_most);
  co_await wake_.async_wait(use_task);
}

void SourceSession::wake() { wake_.cancel(); }

void SourceSession::ping_import() {
  if (!import_) return;
  ping_due_ = true;
  wake();
}

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
