// A snapshot, and the pace at which it goes (docs/replication.md 4).
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

#include "flared/replication/snapshot_encoder.h"
#include "flared/replication/source_session.h"

namespace flare {

namespace {

constexpr std::uint64_t paced_pieces_per_s = 10;
constexpr std::chrono::milliseconds paced_debt_max{100};

}  // namespace

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
    WorkTimes times;
    auto gather = [&encoder, &scan, &times] {
      const WorkWatch watch;
      auto gathered = encoder.gather(scan);
      times = watch.times();
      return gathered;
    };
    const auto gathered = co_await shared_->pool.run(std::move(gather));
    if (!gathered) co_return close("the scan was broken off by a flush or an error");
    more = *gathered;
    if (import_ && !encoder.keep([this](std::string_view key) { return wanted(key); })) {
      co_return close("a record cannot be sent: its key or value is too large");
    }
    co_await send_paced(encoder.take(), encoder.records());
    build_.records += encoder.records();
    co_await let_others_run(times);
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

IoTask<> SourceSession::send(std::string_view bytes) {
  if (!link_.is_open()) co_return;
  const auto stalled_max = primary_ ? primary_->silent_max() : shared_->options.times.slave_silent_max;
  const auto written = co_await link_.write(bytes, stalled_max);
  if (!written) close("writing: " + written.error().message());
}

// Those who serve clients wait for the same processors, and while a slice is read for the gate as well.
IoTask<> SourceSession::let_others_run(WorkTimes times) {
  const auto pause = pause_after(times);
  if (pause == pause.zero() || !link_.is_open()) co_return;
  pace_.expires_after(pause);
  co_await pace_.async_wait(use_task);
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

}  // namespace flare
