#include "flared/replication/original_master.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <random>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "flared/replication/storage_failure.h"

namespace flare {

namespace {

constexpr std::size_t read_bytes = 256 * 1024;
constexpr std::chrono::seconds dump_silent_max{60};  // a source with a long reconstruction-interval is slow, not dead
const std::string stopped_by_us = "stopped";
const std::string ours_now = "the master is not an original any more";
const std::string source_busy = "the master serves another dump; waiting for it to end";

// No position in another history is one in this store (docs/replication.md 4).
LogId draw_history() {
  std::random_device random;
  return LogId{(std::uint64_t{random()} << 32) | random() | 1};
}

}  // namespace

std::string format_dump_request(const DumpPace& pace, PartitionId partition, int partitions) {
  auto request = fmt::format("dump {} {} {}", pace.interval.count(), raw(partition), partitions);
  if (pace.bandwidth_kb_s > 0) request += fmt::format(" {}", pace.bandwidth_kb_s);
  return request;
}

OriginalMaster::OriginalMaster(Parts parts, const FollowerOptions& options)
    : parts_(std::move(parts)), options_(options), reader_(options.data_bytes_max), pause_(parts_.executor) {}

void OriginalMaster::stop() {
  ++round_;
  if (std::exchange(built_, false)) {
    parts_.writes.close_soon();
  } else {
    parts_.writes.close();
  }
  if (client_) client_->close();
  if (link_) link_->close();
  pause_.cancel();
}

IoTask<> OriginalMaster::wait(StreamTimes::Duration length) {
  pause_.expires_after(length);
  co_await pause_.async_wait(use_task);
}

// Its writes are taken from the first moment on: what comes before the dump is asked for is in the dump.
IoTask<std::string> OriginalMaster::follow(Follower::Target target) {
  const auto round = round_;
  ours_ = false;
  parts_.writes.open(NodeKey{target.host, target.port});
  auto pause = options_.pause_min;
  while (round == round_ && !ours_) {
    std::string reason;
    try {
      reason = co_await build(target, round);
    } catch (const std::exception& error) {
      reason = error.what();
    }
    if (round == round_) parts_.writes.build_into(nullptr);
    replacement_.reset();
    link_.reset();
    client_.reset();
    if (round != round_ || reason.empty() || ours_) break;
    parts_.figures.state = FollowState::connecting;
    parts_.failed(reason);
    co_await wait(pause);
    pause = std::min(2 * pause, options_.original_pause);
  }
  if (round == round_ && !ours_) {
    parts_.figures.state = FollowState::in_sync;
    built_ = true;
    parts_.built();
    co_await watch(std::move(target), round);
  }
  if (round != round_) co_return stopped_by_us;
  built_ = false;
  parts_.writes.close();
  co_return ours_now;
}

IoTask<std::string> OriginalMaster::greet(PeerClient& client, Follower::Target target) {
  const auto connected =
      co_await client.connect(target.host, target.port, target.bind_address, limits::connect_deadline);
  if (!connected) co_return "cannot connect: " + connected.error().message();
  auto own = options_.introduce ? options_.introduce() : std::nullopt;
  NodeKey expected{target.host, target.port};
  const auto greeted =
      co_await greet_peer(client, std::move(own), std::move(expected), options_.times.snapshot_silent_max);
  if (!greeted) co_return greeted.error().text;
  ours_ = greeted->kind == PeerKind::ours;
  co_return ours_ ? ours_now : std::string{};
}

IoTask<std::string> OriginalMaster::build(Follower::Target target, std::uint64_t round) {
  client_ = std::make_unique<PeerClient>(parts_.executor);
  auto failed = co_await greet(*client_, target);
  if (round != round_) co_return stopped_by_us;
  if (!failed.empty()) co_return failed;

  auto begin = [this] { return parts_.storage.begin_replacement(parts_.storage.figures().items); };
  auto begun = co_await parts_.pool.run(std::move(begin));
  if (round != round_) co_return stopped_by_us;
  if (!begun) co_return store_failed("beginning a new store", begun.error());
  replacement_ = std::move(*begun);
  parts_.figures.state = FollowState::snapshot;
  parts_.figures.records_loaded = parts_.figures.records_expected = 0;
  parts_.writes.build_into(replacement_.get());

  const auto request = format_dump_request(pace_, target.partition, target.partitions) + "\r\n";
  const auto sent = co_await client_->write(request, limits::peer_write_deadline);
  if (round != round_) co_return stopped_by_us;
  if (!sent) co_return "asking for the dump: " + sent.error().message();
  failed = co_await read_dump(round);
  if (round != round_) co_return stopped_by_us;
  if (!failed.empty()) co_return failed;
  co_return co_await commit();
}

IoTask<std::string> OriginalMaster::read_dump(std::uint64_t round) {
  auto buffer = client_->take_unread();
  link_ = std::make_unique<StreamLink>(client_->release());
  complete_ = false;
  for (;;) {
    auto work = [this, &buffer] { return store(buffer); };
    auto failed = co_await parts_.pool.run(std::move(work));
    if (round != round_) co_return stopped_by_us;
    if (!failed.empty() || complete_) co_return failed;
    const auto filled = co_await link_->read(buffer, read_bytes, dump_silent_max);
    if (round != round_) co_return stopped_by_us;
    if (!filled) co_return "the dump broke off: " + filled.error().message();
  }
}

// On the pool's thread, while the coroutine waits.
std::string OriginalMaster::store(std::string& buffer) {
  std::string_view unread{buffer};
  std::string failed;
  while (failed.empty() && !complete_) {
    const auto piece = reader_.next(unread);
    if (!piece) failed = piece.error();
    if (!piece || !*piece) break;
    if (std::holds_alternative<DumpReader::Busy>(**piece)) failed = source_busy;
    complete_ = std::holds_alternative<DumpReader::End>(**piece);
    const auto* record = std::get_if<DumpReader::Record>(&**piece);
    if (record == nullptr) continue;
    const auto stored = replacement_->put_newer(record->key, record->record);
    if (!stored) failed = store_failed("storing a record of the dump", stored.error());
    ++parts_.figures.records_loaded;
  }
  buffer.erase(0, buffer.size() - unread.size());
  return failed;
}

IoTask<std::string> OriginalMaster::commit() {
  if (!parts_.writes.build_is_whole()) co_return std::string{"a write of the master could not be stored"};
  parts_.writes.hold();
  auto work = [this] {
    const auto position = parts_.storage.position();
    return replacement_->commit({draw_history(), position.epoch, position.sequence}, parts_.storage.epochs());
  };
  const auto committed = co_await parts_.pool.run(std::move(work));
  if (!committed) co_return store_failed("swapping the new store in", committed.error());
  auto release = [this] { return parts_.writes.release(); };
  const bool whole = co_await parts_.pool.run(std::move(release));
  ++parts_.figures.snapshots_loaded;
  parts_.replaced();
  co_return whole ? std::string{} : "too much was written while the new store was swapped in";
}

// A master that was restarted as a daemon of ours, too fast for its index to notice, sends no prefixed writes.
IoTask<> OriginalMaster::watch(Follower::Target target, std::uint64_t round) {
  while (round == round_ && !ours_) {
    co_await wait(options_.original_pause);
    if (round != round_) co_return;
    client_ = std::make_unique<PeerClient>(parts_.executor);
    co_await greet(*client_, target);
    if (round == round_) client_.reset();
  }
}

}  // namespace flare
