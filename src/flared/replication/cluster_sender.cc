#include "flared/replication/cluster_sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "common/base/printable.h"
#include "common/cluster/key_hash.h"
#include "flared/replication/original_forms.h"
#include "flared/storage/log_codec.h"

namespace flare {

namespace {

constexpr std::size_t batch_bytes_max = 256 * 1024;  // sent before the answers are awaited

std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }

}  // namespace

std::string_view to_text(ClusterState state) {
  switch (state) {
    case ClusterState::connecting:
      return "connecting";
    case ClusterState::full_pass:
      return "full_pass";
    case ClusterState::stream:
      return "stream";
  }
  return "unknown";
}

/// A scan of the store on its way to the other cluster: remembered deletions, then records. The sink is used on the
/// pool, while the coroutine waits for it.
struct ClusterSender::Pass final : RecordSink {
  explicit Pass(ClusterSender& the_sender) : sender(the_sender) {}

  void record(std::string_view key, const RecordView& record) override {
    ++records;
    if (!original_knows_key(key)) return void(++left_out);
    sender.lane_of(key).add({.kind = EntryKind::set,
                             .key = key,
                             .version = record.version,
                             .flags = record.flags,
                             .expire_s = record.expire_s,
                             .data = record.data},
                            sender.kind_, now_s);
  }
  void deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) override {
    if (!original_knows_key(key)) return;
    sender.lane_of(key).add_deletion(key, version, hold_until_s, sender.kind_, now_s);
  }

  ClusterSender& sender;
  std::unique_ptr<Scan> scan;
  std::int64_t now_s = 0;
  std::uint64_t records = 0;
  std::uint64_t left_out = 0;
  bool scanned = false;                         // the rest waits in the lanes
  std::chrono::steady_clock::time_point due{};  // for the next batch, by pass_kb_s
};

ClusterSender::ClusterSender(Setup setup) : setup_(std::move(setup)), wake_(setup_.executor) {
  for (int i = 0; i < std::max(setup_.connections, 1); ++i) {
    lanes_.push_back(std::make_shared<ClusterLane>(
        ClusterLane::Setup{setup_.executor, setup_.target, setup_.own_name, setup_.bind_address, setup_.answer_max}));
  }
  choose_start();
}

void ClusterSender::choose_start() {
  const auto kept = setup_.file.read();
  const auto last = setup_.storage.position();
  const bool known =
      kept && kept->target == setup_.target.text() && is_in_history(kept->position, last, setup_.storage.epochs());
  needs_pass_ = !known;
  position_ = batch_end_ = known ? kept->position : Position{last.log_id, Epoch{0}, Sequence{0}};
  saved_ = position_;
  if (known) {
    setup_.log.notice("cluster replication to {} goes on after epoch {} sequence {}", setup_.target.text(),
                      raw(position_.epoch), raw(position_.sequence));
  }
}

IoTask<> ClusterSender::run([[maybe_unused]] std::shared_ptr<ClusterSender> self) {
  auto next_pause = setup_.pause_min;
  while (!closed_) {
    std::string reason;
    progressed_ = false;
    try {
      reason = co_await attempt();
    } catch (const std::exception& error) {
      reason = error.what();
    }
    close_lanes();
    connected_ = false;
    if (closed_) break;
    report(reason);
    if (progressed_) next_pause = setup_.pause_min;
    co_await pause(next_pause);
    next_pause = std::min(2 * next_pause, setup_.pause_max);
  }
  co_await save();
  ended_ = true;
}

void ClusterSender::report(const std::string& reason) {
  if (reason == std::exchange(error_, reason)) return;
  setup_.log.warning("cluster replication to {}: {}; it goes on when that is over", setup_.target.text(), reason);
}

IoTask<std::string> ClusterSender::attempt() {
  if (pass_ && now() - connected_until_ > setup_.scan_kept_max) discard();
  if (auto failed = co_await connect(); !failed.empty() || closed_) co_return failed;
  connected_ = true;
  connected_until_ = now();
  auto reason = co_await work();
  connected_until_ = now();
  co_return reason;
}

IoTask<std::string> ClusterSender::connect() {
  other_nodes_.reset();
  for (const auto& lane : lanes_) {
    if (auto failed = co_await lane->connect(lane); !failed.empty() || closed_) co_return failed;
  }
  const auto kind = lanes_.front()->kind();
  const bool alike = std::all_of(lanes_.begin(), lanes_.end(), [&](const auto& lane) { return lane->kind() == kind; });
  if (!alike) co_return std::string{"its connections lead to daemons of two kinds"};
  if (kind != std::exchange(kind_, kind)) discard();
  co_return std::string{};
}

// What waits was written for another kind of daemon, or is too old: it is gathered anew.
void ClusterSender::discard() {
  for (const auto& lane : lanes_) lane->clear();
  batch_end_ = position_;
  if (std::exchange(pass_, nullptr)) needs_pass_ = true;
}

IoTask<std::string> ClusterSender::work() {
  while (!closed_) {
    const bool had = waiting_bytes() > 0;
    if (auto failed = co_await deliver(); !failed.empty() || closed_) co_return failed;
    if (had) error_.clear();
    arrived();
    if (now() - saved_at_ >= setup_.save_each) co_await save();
    auto failed = co_await gather();
    if (!failed.empty() || closed_) co_return failed;
    if (waiting_bytes() > 0 || pass_ || needs_pass_ || batch_end_ != position_) continue;
    error_.clear();
    if (lanes_.front()->closed_by_peer()) co_return std::string{"the other cluster has closed the connection"};
    if (setup_.storage.written_sequence() <= position_.sequence) co_await wait(setup_.save_each);
  }
  co_return std::string{};
}

// All lanes at once; the batch is done when each of them is.
IoTask<std::string> ClusterSender::deliver() {
  struct Joint {
    explicit Joint(IoExecutor executor) : over(executor) {}
    std::size_t missing = 0;
    std::string reason;
    Timer over;
  };
  auto joint = std::make_shared<Joint>(setup_.executor);
  for (const auto& lane : lanes_) {
    if (lane->bytes() == 0) continue;
    ++joint->missing;
    asio::co_spawn(setup_.executor, lane->deliver(lane), [joint](std::exception_ptr thrown, std::string reason) {
      if (thrown) reason = "a connection failed";
      if (joint->reason.empty()) joint->reason = std::move(reason);
      if (--joint->missing == 0) joint->over.cancel();
    });
  }
  while (joint->missing > 0) {
    joint->over.expires_after(setup_.answer_max);  // each lane has deadlines of its own
    co_await joint->over.async_wait(use_task);
  }
  co_return joint->reason;
}

void ClusterSender::arrived() {
  if (pass_ && pass_->scanned) {
    setup_.log.notice("cluster replication to {}: the whole store is there, {} records; the log follows after {}",
                      setup_.target.text(), pass_->records, raw(batch_end_.sequence));
    pass_.reset();
  }
  if (pass_) return void(progressed_ = true);
  progressed_ |= position_ != batch_end_;
  position_ = batch_end_;
}

IoTask<std::string> ClusterSender::gather() {
  if (needs_pass_) {
    auto failed = co_await begin_pass("it is not known up to where the other cluster has the log");
    if (!failed.empty() || closed_) co_return failed;
  }
  if (pass_) co_return co_await gather_pass();
  co_return co_await gather_log();
}

IoTask<std::string> ClusterSender::gather_log() {
  chunk_.clear();
  const auto last = setup_.storage.read_log(position_.sequence, batch_bytes_max, chunk_);
  if (!last) {
    if (last.error() != StorageError::too_old) co_return std::string{"the log cannot be read"};
    co_return co_await begin_pass("the log does not reach back to what the other cluster lacks (option log-max-size)");
  }
  batch_end_.log_id = setup_.storage.position().log_id;
  std::string_view left{chunk_};
  while (!left.empty()) {
    const auto decoded = decode_entry(left);
    if (!decoded) co_return std::string{"the log is damaged"};
    if (!co_await came_from_there(decoded->entry)) add(decoded->entry);
    batch_end_.epoch = decoded->entry.epoch;
    batch_end_.sequence = decoded->entry.sequence;
    left.remove_prefix(decoded->bytes);
  }
  if (chunk_.capacity() > 4 * batch_bytes_max) chunk_ = {};  // after a huge value
  co_return std::string{};
}

// A touch that this other cluster has passed on itself. If it does not tell its nodes, each that was passed on counts
// as one of its own: one that is left out ends, and one that goes round does not.
IoTask<bool> ClusterSender::came_from_there(LogEntry entry) {
  if (entry.kind != EntryKind::touch) co_return false;
  const auto source = setup_.copied_touches.take(entry.key, entry.expire_s);
  if (!source) co_return false;
  if (!other_nodes_) other_nodes_ = co_await lanes_.front()->ask_nodes(lanes_.front());
  const auto& nodes = *other_nodes_;
  co_return nodes.empty() || std::find(nodes.begin(), nodes.end(), *source) != nodes.end();
}

void ClusterSender::add(const LogEntry& entry) {
  if (is_drop(entry)) return;  // the key lives in another partition, whose master sends what becomes of it
  if (entry.kind == EntryKind::flush) {
    // Its partitions are not ours: an operator's word for this cluster is none for that one.
    setup_.log.warning("cluster replication to {}: flush_all is not passed on: give it there as well",
                       setup_.target.text());
    return;
  }
  if (!original_knows_key(entry.key)) {
    ++left_out_;
    setup_.log.warning("cluster replication to {}: key '{}' cannot be told to it; it is left out", setup_.target.text(),
                       printable(entry.key));
    return;
  }
  lane_of(entry.key).add(entry, kind_, setup_.clock.unix_s());
}

ClusterLane& ClusterSender::lane_of(std::string_view key) {
  const auto hash = static_cast<std::uint32_t>(key_hash(KeyHashAlgorithm::murmur, key));
  return *lanes_[hash % lanes_.size()];
}

IoTask<std::string> ClusterSender::begin_pass(std::string_view why) {
  setup_.copied_touches.clear();  // the log is read from here on
  auto begin = [this] { return setup_.storage.begin_scan(); };
  auto scan = co_await setup_.pool.run(std::move(begin));
  if (!scan) co_return std::string{"the store cannot be scanned"};
  needs_pass_ = false;
  pass_ = std::make_shared<Pass>(*this);
  pass_->scan = std::move(*scan);
  ++full_passes_;
  pass_expected_ = pass_->scan->expected_items();
  pass_records_ = 0;
  setup_.log.notice("cluster replication to {}: the whole store is sent, {} records: {}", setup_.target.text(),
                    pass_expected_, why);
  co_return std::string{};
}

IoTask<std::string> ClusterSender::gather_pass() {
  const auto pass = pass_;
  while (!closed_ && now() < pass->due) co_await wait(pass->due - now());
  pass->now_s = setup_.clock.unix_s();
  while (!closed_ && !pass->scanned && waiting_bytes() < batch_bytes_max) {
    auto slice = [&pass] { return pass->scan->next_slice(*pass); };
    const auto more = co_await setup_.pool.run(std::move(slice));
    if (!more) {
      discard();
      co_return std::string{"the scan of the store was broken off by a flush or an error; it begins anew"};
    }
    pass->scanned = !*more;
  }
  pass_records_ = pass->records;
  left_out_ += std::exchange(pass->left_out, 0);
  if (setup_.pass_kb_s > 0) {
    pass->due =
        std::max(pass->due, now()) + std::chrono::microseconds{waiting_bytes() * 1'000'000 / 1024 / setup_.pass_kb_s};
  }
  if (pass->scanned) batch_end_ = pass->scan->position();
  co_return std::string{};
}

std::size_t ClusterSender::waiting_bytes() const {
  std::size_t bytes = 0;
  for (const auto& lane : lanes_) bytes += lane->bytes();
  return bytes;
}

// On the pool: the file is synced.
IoTask<> ClusterSender::save() {
  saved_at_ = now();
  if (position_ == saved_ || pass_ || needs_pass_) co_return;
  const ClusterPosition position{setup_.target.text(), position_};
  try {
    auto write = [file = setup_.file, position] { return file.write(position); };
    const auto written = co_await setup_.pool.run(std::move(write));
    if (written) {
      saved_ = position.position;
    } else {
      setup_.log.warning("cluster replication: {}", written.error());
    }
  } catch (const std::exception& error) {
    setup_.log.warning("cluster replication: its position is not written now: {}", error.what());
  }
}

IoTask<> ClusterSender::wait(Duration at_most) {
  if (closed_) co_return;
  wake_.expires_after(at_most);
  co_await wake_.async_wait(use_task);
}

// Writes of the log wake it up as well: they are nothing to it now.
IoTask<> ClusterSender::pause(Duration at_most) {
  const auto until = now() + at_most;
  while (!closed_ && now() < until) co_await wait(until - now());
}

void ClusterSender::close_lanes() {
  for (const auto& lane : lanes_) lane->close();
}

void ClusterSender::close() {
  closed_ = true;
  close_lanes();
  wake_.cancel();
}

ClusterFigures ClusterSender::figures() const {
  ClusterFigures figures;
  figures.state = !connected_            ? ClusterState::connecting
                  : pass_ || needs_pass_ ? ClusterState::full_pass
                                         : ClusterState::stream;
  figures.position = position_;
  const auto written = setup_.storage.written_sequence();
  figures.lag_entries = written > position_.sequence ? raw(written) - raw(position_.sequence) : 0;
  figures.left_out = left_out_;
  for (const auto& lane : lanes_) {
    figures.taken += lane->taken();
    figures.left_out += lane->left_out();
  }
  figures.full_passes = full_passes_;
  figures.pass_records = pass_records_;
  figures.pass_expected = pass_expected_;
  figures.error = error_;
  return figures;
}

}  // namespace flare
