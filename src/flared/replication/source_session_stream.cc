// The entries behind a slave's place, the state of the reign, and what the slave acknowledges (docs/replication.md 3).
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

#include "flared/replication/source_session.h"
#include "flared/storage/log_codec.h"

namespace flare {

namespace {

constexpr std::size_t chunk_bytes_max = 256 * 1024;  // of the log, read and sent at once
constexpr std::size_t ack_bytes_max = 4096;

std::uint64_t stamp_of(std::chrono::steady_clock::time_point now) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count());
}

}  // namespace

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

void SourceSession::ping_import() {
  if (!import_) return;
  ping_due_ = true;
  wake();
}

}  // namespace flare
