#include "flared/moved_keys.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace flare {

namespace {

using Duration = std::chrono::steady_clock::duration;
constexpr std::chrono::milliseconds slice_pause{1};
constexpr std::chrono::milliseconds stop_look{5};

// The keys of other partitions.
class ForeignKeys final : public RecordSink {
 public:
  explicit ForeignKeys(const RoutingView& view)
      : partitions_(view.partitions), own_(view.partitions.nodes()[*view.self].partition) {}
  void record(std::string_view key, const RecordView&) override {
    if (partitions_.partition_of(key) != own_) keys_.emplace_back(key);
  }
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  const PartitionMap& partitions_;
  const PartitionId own_;
  std::vector<std::string> keys_;
};

}  // namespace

MovedKeys::MovedKeys(IoExecutor executor, Storage& storage, BlockingPool& pool, Log& log)
    : executor_(executor), storage_(storage), pool_(pool), log_(log), timer_(executor), pause_(executor) {}

void MovedKeys::take_view(std::shared_ptr<const RoutingView> view) {
  ++round_;
  timer_.cancel();
  view_ = std::move(view);
  if (is_due()) begin_later();
}

// While a partition prepares, its master may read this store.
bool MovedKeys::is_due() const {
  if (stopping_ || !view_ || !is_master(*view_) || !serves_clients(*view_)) return false;
  if (view_->partitions.prepare() || view_->taking_over || view_->handed_over) return false;
  return view_->partitions.active().size() > 1 && place() != clean_;
}

MovedKeys::Place MovedKeys::place() const {
  return {view_->partitions.nodes()[*view_->self].partition, view_->partitions.active().size()};
}

void MovedKeys::begin_later() {
  timer_.expires_after(delay);
  timer_.async_wait([this](const error_code& error) {
    if (error || stopping_) return;
    if (running_) return begin_later();  // it has not seen yet that the map has changed
    running_ = true;
    asio::co_spawn(executor_, run(round_), asio::detached);
  });
}

IoTask<> MovedKeys::run(std::uint64_t round) {
  const auto before = dropped_;
  const auto cleaned = place();
  bool complete = false;
  try {
    complete = co_await look_at_all(round);
  } catch (const boost::system::system_error&) {  // the pool is full, or the daemon ends
  }
  running_ = false;
  if (complete) clean_ = cleaned;
  if (dropped_ != before) {
    log_.notice("{} keys that are other partitions' now are dropped here{}", dropped_ - before,
                complete ? "" : "; the rest follows");
  }
  if (!complete && round == round_ && is_due()) begin_later();
}

IoTask<bool> MovedKeys::look_at_all(std::uint64_t round) {
  auto begin = [this] { return storage_.begin_scan(); };
  const auto scan = co_await pool_.run(std::move(begin));
  if (!scan) co_return false;
  (*scan)->forget_log();
  const auto view = view_;
  for (bool more = true; more;) {
    if (stopping_ || round != round_) co_return false;
    auto work = [this, source = scan->get(), view] { return take_slice(*source, *view); };
    const Slice slice = co_await pool_.run(std::move(work));
    if (slice.failed) co_return false;
    more = slice.more;
    dropped_ += slice.dropped;
    pause_.expires_after(std::max<Duration>(slice.took * (share_of_time - 1), slice_pause));
    co_await pause_.async_wait(use_task);
  }
  co_return true;
}

MovedKeys::Slice MovedKeys::take_slice(Scan& scan, const RoutingView& view) {
  const auto begun = std::chrono::steady_clock::now();
  ForeignKeys foreign{view};
  const auto more = scan.next_slice(foreign);
  if (!more || !drop(foreign.keys())) return {.failed = true};
  return {.more = *more, .dropped = foreign.keys().size(), .took = std::chrono::steady_clock::now() - begun};
}

bool MovedKeys::drop(const std::vector<std::string>& keys) {
  if (keys.empty()) return true;
  const Storage::Batch batch{storage_};
  for (const auto& key : keys) {
    if (!storage_.execute({.kind = OperationKind::drop, .key = key}, 0, nullptr)) return false;
  }
  return storage_.write_log().has_value();
}

IoTask<> MovedKeys::stopped() {
  stopping_ = true;
  timer_.cancel();
  Timer look{executor_};
  while (running_) {
    look.expires_after(stop_look);
    co_await look.async_wait(use_task);
  }
}

}  // namespace flare
