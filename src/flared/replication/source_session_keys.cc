// The return of a slave that was ahead: what is here of the keys that it wrote alone (docs/replication.md 11).
#include <utility>

#include "common/base/limits.h"
#include "flared/replication/keys_encoder.h"
#include "flared/replication/source_session.h"

namespace flare {

namespace {

constexpr std::size_t asked_bytes_max = 64 * 1024;  // read at once

}  // namespace

IoTask<> SourceSession::send_keys(StartDecision decision) {
  const auto& common = decision.common;
  state_ = SourceState::keys;
  std::string out;
  stream::append(out, stream::Common{common});
  co_await send(out);
  auto asked = co_await read_asked_keys();
  if (!link_.is_open()) co_return;
  if (asked.empty()) {
    state_ = SourceState::snapshot;
    co_return co_await send_snapshot(decision.reason + ", and too much to be fetched by keys");
  }
  shared_->log.notice("replication: slave {} ({}) gets {} keys and goes on after epoch {} sequence {}: {}",
                      slave().text, peer_, asked.size(), raw(common.epoch), raw(common.sequence), decision.reason);
  primary_.emplace(common.sequence, true, Clock::now(), shared_->options.times);
  if (shared_->callbacks.rebuilds) shared_->callbacks.rebuilds(slave());
  out.clear();
  append_ping(out);
  co_await send(out);
  KeysEncoder encoder{shared_->storage, std::move(asked)};
  co_await send_asked(encoder);
}

// Empty: the slave wants a snapshot, or the connection was closed.
IoTask<std::vector<std::string>> SourceSession::read_asked_keys() {
  std::vector<std::string> keys;
  std::size_t bytes = 0;
  while (link_.is_open()) {
    std::string_view left{unread_};
    const auto decoded = decoder_.next(left);
    if (!decoded) {
      close("asking for keys: " + std::string{to_text(decoded.error())});
      break;
    }
    if (!*decoded) {
      const auto filled = co_await link_.read(unread_, asked_bytes_max, shared_->options.times.build_silent_max);
      if (!filled) close("asking for keys: " + filled.error().message());
      continue;
    }
    const auto message = (*decoded)->message;
    const auto* key = std::get_if<stream::Key>(&message);
    const auto* end = std::get_if<stream::Keys>(&message);
    if (key != nullptr) {
      bytes += key->key.size();
      keys.emplace_back(key->key);
    }
    unread_.erase(0, unread_.size() - left.size());
    const bool too_many = keys.size() > limits::correction_keys_max || bytes > limits::correction_key_bytes_max;
    if (too_many || (key == nullptr && (end == nullptr || end->count != keys.size()))) {
      close("asks for too many keys, or for others than it says");
    }
    if (end != nullptr) break;
  }
  if (!link_.is_open()) keys.clear();
  co_return keys;
}

IoTask<> SourceSession::send_asked(KeysEncoder& encoder) {
  build_ = {0, encoder.expected(), Clock::now()};
  paced_until_ = build_.began;
  for (bool more = true; more && link_.is_open();) {
    auto gather = [&encoder] { return encoder.gather(); };
    const auto gathered = co_await shared_->pool.run(std::move(gather));
    if (!gathered) co_return close("a key that was asked for cannot be read");
    more = *gathered;
    co_await send_paced(encoder.piece(), encoder.records());
    build_.records += encoder.records();
  }
  // As behind the records of a snapshot: what was read may be of an entry that the kernel does not have yet.
  const auto exact_at = shared_->storage.position().sequence;
  co_await written_up_to(exact_at);
  if (!link_.is_open()) co_return;
  primary_->must_reach(exact_at);
  std::string out;
  stream::append(out, encoder.end(exact_at));
  co_await send(out);
  primary_->on_snapshot_sent(Clock::now());
}

}  // namespace flare
