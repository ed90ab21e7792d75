#include "flared/replication/original_slave.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "common/base/limits.h"
#include "common/base/printable.h"
#include "flared/replication/original_forms.h"
#include "flared/storage/log_codec.h"

namespace flare {

namespace {

constexpr std::size_t chunk_bytes_max = 256 * 1024;  // of the log, sent before answers are awaited
constexpr int refusals_max = 4;                      // of one entry; the original gives up after as many tries
constexpr std::chrono::milliseconds idle_max{300};  // then it is asked whether it lives: sync-timeout counts from there
constexpr std::string_view ping = "ping\r\n";
constexpr std::chrono::seconds level_fresh{2};
constexpr std::chrono::milliseconds finish_min{300};
constexpr std::chrono::seconds finish_max{2};
const std::string of_ours = "a daemon of ours";

// The remembered deletions that a scan shows first.
class DeletionSink final : public RecordSink {
 public:
  DeletionSink(std::string_view own_name, std::int64_t now_s) : own_name_(own_name), now_s_(now_s) {}

  void record(std::string_view, const RecordView&) override { over_ = true; }
  void deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) override {
    if (!original_knows_key(key)) return;
    append_original_deletion(bytes_, key, version, hold_until_s, own_name_, now_s_);
    ++requests_;
  }

  bool over() const { return over_; }
  std::string take_bytes() { return std::exchange(bytes_, {}); }
  std::size_t take_requests() { return std::exchange(requests_, 0); }

 private:
  std::string_view own_name_;
  std::int64_t now_s_;
  bool over_ = false;
  std::string bytes_;
  std::size_t requests_ = 0;
};

}  // namespace

OriginalSlave::OriginalSlave(std::shared_ptr<OriginalSlavesShared> shared, OriginalSlaves::Target target)
    : shared_(std::move(shared)),
      target_(std::move(target)),
      deletions_due_(!target_.building),
      wake_(shared_->executor) {
  choose_start();
}

// A slave that builds itself gets what was written since its dump began, and that may have been before this node knew
// of it. Of one that is active nothing is known: the last entries are sent again, which their versions make harmless.
void OriginalSlave::choose_start() {
  const auto& storage = shared_->storage;
  const auto written = storage.written_sequence();
  acknowledged_ = written;
  if (target_.building) {
    const auto dumped = shared_->dump_starts.earliest(std::chrono::steady_clock::now());
    if (dumped) acknowledged_ = std::min(*dumped, written);
    return;
  }
  auto again = std::min(raw(written), limits::resent_entries_max);
  std::string nothing;
  while (again > 0 && !storage.read_log(Sequence{raw(written) - again}, 1, nothing)) again /= 2;
  acknowledged_ = Sequence{raw(written) - again};
}

void OriginalSlave::update(OriginalSlaves::Target target) {
  if (target_.building && !target.building) deletions_due_ = true;
  target_ = std::move(target);
  wake();
}

void OriginalSlave::close() {
  closed_ = true;
  if (client_) client_->close();
  wake_.cancel();
}

void OriginalSlave::finish() {
  const auto now = std::chrono::steady_clock::now();
  if (!original_) return close();
  const auto unsent = raw(shared_->storage.written_sequence()) - raw(acknowledged_);
  const bool fresh = client_ && now - level_at_ <= level_fresh;
  shared_->log.notice("replication: slave {} is no slave of this node any more, {} entries are unsent{}",
                      target_.key.text, unsent,
                      fresh || unsent == 0 ? "" : "; it was behind for too long: they stay so");
  if (!fresh) return close();
  finishing_ = now;
  wake();
}

// Workers hear of a map a little later than this thread, so it goes on for a while after it is level.
void OriginalSlave::end_if_finished(bool level) {
  if (!finishing_) return;
  const auto length = std::chrono::steady_clock::now() - *finishing_;
  if (length > finish_max || (level && length > finish_min)) close();
}

IoTask<> OriginalSlave::wait(StreamTimes::Duration at_most) {
  wake_.expires_after(at_most);
  co_await wake_.async_wait(use_task);
}

IoTask<> OriginalSlave::run([[maybe_unused]] std::shared_ptr<OriginalSlave> self) {
  const auto& options = shared_->options;
  auto pause = options.pause_min;
  while (!closed_) {
    std::string reason;
    progressed_ = false;
    try {
      reason = co_await attempt();
    } catch (const std::exception& error) {
      reason = error.what();
    }
    client_.reset();
    if (closed_ || finishing_) co_return;
    if (progressed_) pause = options.pause_min;
    const bool ours = reason == of_ours;
    if (!ours) report(reason);
    const auto until = std::chrono::steady_clock::now() + (ours ? options.look_again : pause);
    // Writes of the log wake it up as well: they are nothing to it now.
    while (!closed_ && std::chrono::steady_clock::now() < until)
      co_await wait(until - std::chrono::steady_clock::now());
    pause = std::min(2 * pause, options.pause_max);
  }
}

void OriginalSlave::report(const std::string& reason) {
  if (reason == std::exchange(last_report_, reason)) return;
  shared_->log.warning("replication to {}{}: {}", target_.key.text, original_ ? ", an original" : "", reason);
}

IoTask<std::string> OriginalSlave::attempt() {
  if (shared_->callbacks.is_served && shared_->callbacks.is_served(target_.key)) co_return of_ours;
  client_ = std::make_unique<PeerClient>(shared_->executor);
  auto failed = co_await greet(*client_);
  if (closed_ || !failed.empty()) co_return failed;
  if (!std::exchange(original_, true)) {
    shared_->log.notice("replication: slave {} is an original: it gets prefixed writes after sequence {}",
                        target_.key.text, raw(acknowledged_));
  }
  last_report_.clear();
  co_return co_await replicate(*client_);
}

IoTask<std::string> OriginalSlave::greet(PeerClient& client) {
  const auto& options = shared_->options;
  const auto connected =
      co_await client.connect(target_.host, target_.port, options.bind_address, limits::connect_deadline);
  if (!connected) co_return "cannot connect: " + connected.error().message();
  auto own = options.introduce ? options.introduce() : std::nullopt;
  NodeKey expected{target_.key};
  const auto greeted = co_await greet_peer(client, std::move(own), std::move(expected), options.answer_max);
  if (!greeted) co_return greeted.error().text;
  if (greeted->kind == PeerKind::original) co_return std::string{};
  original_ = false;
  co_return of_ours;
}

IoTask<std::string> OriginalSlave::replicate(PeerClient& client) {
  while (!closed_) {
    if (deletions_due_) {
      auto failed = co_await send_deletions(client);
      if (!failed.empty() || closed_) co_return failed;
      deletions_due_ = false;
    }
    Batch batch;
    const auto asked_at = std::chrono::steady_clock::now();
    const auto written = shared_->storage.written_sequence();
    if (auto failed = gather(batch); !failed.empty()) {
      client.close();
      co_return co_await dismiss();
    }
    auto failed = co_await exchange(client, batch);
    if (!failed.empty() || closed_) co_return failed;
    const bool nothing = batch.last == acknowledged_ && batch.answers.empty();
    acknowledged_ = std::max(acknowledged_, batch.last);
    if (batch.answers.empty() && asked_at - heard_at_ >= idle_max) {
      failed = co_await ask_for_life(client);
      if (!failed.empty() || closed_) co_return failed;
    } else if (!batch.answers.empty()) {
      tell_acknowledged();
    }
    if (acknowledged_ >= written) level_at_ = asked_at;
    end_if_finished(nothing);
    if (!nothing) continue;
    if (client.closed_by_peer()) co_return std::string{"the slave has closed the connection"};
    co_await wait(finishing_ ? finish_min / 4 : idle_max);
  }
  co_return std::string{};
}

// Only what it answers shows that it is there: a sync write must not be told STORED by a slave that hangs.
void OriginalSlave::tell_acknowledged() {
  heard_at_ = std::chrono::steady_clock::now();
  if (shared_->callbacks.acknowledged) shared_->callbacks.acknowledged(target_.key, acknowledged_, !target_.building);
}

IoTask<std::string> OriginalSlave::ask_for_life(PeerClient& client) {
  const auto sent = co_await client.write(ping, shared_->options.answer_max);
  if (!sent) co_return "writing: " + sent.error().message();
  const auto answer = co_await client.read_line(shared_->options.answer_max);
  if (closed_) co_return std::string{};
  if (!answer) co_return "waiting for an answer to ping: " + answer.error().message();
  if (*answer != "OK") co_return fmt::format("ping was answered '{}'", printable(*answer));
  tell_acknowledged();
  co_return std::string{};
}

// What the kernel has of our log, from where the slave's answers end.
std::string OriginalSlave::gather(Batch& batch) {
  chunk_.clear();
  batch.last = acknowledged_;
  const auto last = shared_->storage.read_log(acknowledged_, chunk_bytes_max, chunk_);
  if (!last) return "the log does not reach back";
  std::string_view left{chunk_};
  while (!left.empty()) {
    const auto decoded = decode_entry(left);
    if (!decoded) return "the log is damaged";
    add(batch, decoded->entry);
    batch.last = decoded->entry.sequence;
    left.remove_prefix(decoded->bytes);
  }
  if (chunk_.capacity() > 4 * chunk_bytes_max) chunk_ = {};  // after a huge value
  return {};
}

void OriginalSlave::add(Batch& batch, const LogEntry& entry) {
  if (is_drop(entry)) return;  // an original would pass the removal on to the key's new master (cluster.md 5.2)
  const bool flush = entry.kind == EntryKind::flush;
  if (!flush && target_.wanted && !target_.wanted(entry.key)) return;
  if (!flush && !original_knows_key(entry.key)) {
    ++skipped_;
    report(fmt::format("key '{}' cannot be told to an original; it is left out", printable(entry.key)));
    return;
  }
  append_original_form(batch.bytes, entry, shared_->own.text, clock_.unix_s());
  batch.answers.push_back(entry.sequence);
}

IoTask<std::string> OriginalSlave::exchange(PeerClient& client, const Batch& batch) {
  if (batch.bytes.empty()) co_return std::string{};
  const auto answer_max = shared_->options.answer_max;
  const auto until = std::chrono::steady_clock::now() + answer_max;
  const auto written = co_await client.write(batch.bytes, answer_max);
  if (!written) co_return "writing: " + written.error().message();
  for (const auto done : batch.answers) {
    const auto answer = co_await client.read_line(
        std::max<StreamTimes::Duration>(until - std::chrono::steady_clock::now(), std::chrono::milliseconds{1}));
    if (closed_) co_return std::string{};
    if (!answer) co_return "waiting for an answer: " + answer.error().message();
    if (auto failed = judge(*answer, done); !failed.empty()) co_return failed;
  }
  co_return std::string{};
}

// An entry that the slave refuses again and again must not keep all that follow from it.
std::string OriginalSlave::judge(std::string_view answer, Sequence done) {
  const auto judged = judge_original_answer(answer);
  if (judged == OriginalAnswer::taken) {
    acknowledged_ = std::max(acknowledged_, done);
    progressed_ = true;
    refusals_ = 0;
    return {};
  }
  auto reason = fmt::format("entry {} was answered '{}'", raw(done), printable(answer));
  if (++refusals_ < refusals_max) return reason;
  refusals_ = 0;
  ++skipped_;
  acknowledged_ = std::max(acknowledged_, done);
  return reason + "; it is left out: the slave lacks it from now on";
}

// Its dump showed it only what there was (docs/spec/cluster.md 6.1: nothing is deleted by a build).
IoTask<std::string> OriginalSlave::send_deletions(PeerClient& client) {
  auto begin = [this] { return shared_->storage.begin_scan(); };
  const auto scan = co_await shared_->pool.run(std::move(begin));
  if (!scan) co_return std::string{"the remembered deletions cannot be read"};
  (*scan)->forget_log();
  DeletionSink sink{shared_->own.text, clock_.unix_s()};
  for (bool more = true; more && !sink.over() && !closed_;) {
    auto slice = [&sink, &scan] { return (*scan)->next_slice(sink); };
    const auto taken = co_await shared_->pool.run(std::move(slice));
    if (!taken) co_return std::string{"the remembered deletions cannot be read: the scan was broken off"};
    more = *taken;
    const Batch batch{sink.take_bytes(), std::vector<Sequence>(sink.take_requests(), acknowledged_), acknowledged_};
    auto failed = co_await exchange(client, batch);
    if (!failed.empty()) co_return failed;
  }
  co_return std::string{};
}

// It has to be built again, which it does when an operator gives it its role again; until then nobody may read there.
IoTask<std::string> OriginalSlave::dismiss() {
  const bool told = co_await shared_->callbacks.dismiss(target_.key);
  co_return told ? std::string{"the log does not reach back to what it lacks: the index was told to make it a proxy; "
                               "give it the slave's role again"}
                 : std::string{"the log does not reach back to what it lacks, and the index does not make it a proxy: "
                               "give it the roles of a proxy and then of a slave, so that it is built again"};
}

SourceFigures OriginalSlave::figures() const {
  const auto written = shared_->storage.written_sequence();
  SourceFigures figures;
  figures.slave = target_.key;
  figures.peer = fmt::format("{}:{}", target_.host, target_.port);
  figures.original = true;
  figures.sent = figures.acknowledged = acknowledged_;
  figures.lag_entries = written > acknowledged_ ? raw(written) - raw(acknowledged_) : 0;
  figures.in_sync = !target_.building && figures.lag_entries == 0;
  figures.skipped = skipped_;
  return figures;
}

}  // namespace flare
