#include "flared/expiry_sweep.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace flare {
namespace {

using Duration = std::chrono::steady_clock::duration;
constexpr std::chrono::milliseconds slice_pause{1};  // as long as a slice may hold the workers up
constexpr std::chrono::milliseconds stop_look{5};
constexpr std::chrono::seconds clock_jump_max{60};

// The keys of expired records; the others tell when the next sweep can find something.
class ExpiredKeys final : public RecordSink {
 public:
  ExpiredKeys(StoreQuota& quota, std::int64_t now_s) : quota_(quota), now_s_(now_s) {}
  void record(std::string_view key, const RecordView& record) override {
    if (record.expired(now_s_)) {
      keys_.emplace_back(key);
    } else {
      quota_.note_expiry(record.expire_s);
    }
  }
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  StoreQuota& quota_;
  std::int64_t now_s_;
  std::vector<std::string> keys_;
};

std::int64_t offset_of(const Clock& clock) {
  using std::chrono::duration_cast;
  return clock.unix_s() - duration_cast<std::chrono::seconds>(clock.steady().time_since_epoch()).count();
}

}  // namespace

ExpirySweep::ExpirySweep(IoExecutor executor, Storage& storage, BlockingPool& pool, const Clock& clock, Log& log,
                         std::function<bool()> is_master, Rhythm rhythm)
    : executor_(executor),
      storage_(storage),
      pool_(pool),
      clock_(clock),
      log_(log),
      is_master_(std::move(is_master)),
      rhythm_(rhythm),
      pause_(executor),
      patience_timer_(executor),
      look_timer_(executor),
      even_since_(clock.steady()),
      clock_offset_s_(offset_of(clock)) {}

void ExpirySweep::begin_looking() { look_again_later(); }

void ExpirySweep::look_again_later() {
  look_timer_.expires_after(rhythm_.look_every);
  look_timer_.async_wait([this](const error_code& error) {
    if (error || stopping_) return;
    std::ignore = look();
    look_again_later();
  });
}

bool ExpirySweep::look() {
  if (clock_jumped()) even_since_ = clock_.steady();
  if (stopping_ || running_ || !is_master_() || clock_.steady() - even_since_ < rhythm_.delay) return false;
  if (!storage_.quota().may_have_expired(expired_by_s(Pace::gentle))) return false;
  running_ = true;
  pace_ = Pace::gentle;
  asio::co_spawn(executor_, run(), asio::detached);
  return true;
}

std::int64_t ExpirySweep::expired_by_s(Pace pace) const {
  return clock_.unix_s() - (pace == Pace::gentle ? rhythm_.delay.count() : 0);
}

void ExpirySweep::ask(Done done) {
  if (stopping_ || waiting_.size() >= waiting_max || !is_master_()) return done(false);
  waiting_.push_back({std::chrono::steady_clock::now() + patience, std::move(done)});
  if (!patience_watched_) watch_patience();
  pace_ = Pace::urgent;  // a gentle sweep has passed over what has just expired: it begins anew
  if (std::exchange(running_, true)) return;
  asio::co_spawn(executor_, run(), asio::detached);
}

IoTask<> ExpirySweep::run() {
  ++sweeps_;
  auto& quota = storage_.quota();
  bool complete = false;
  try {
    Pace pace;
    do {
      pace = pace_;
      quota.sweep_begins();
      complete = co_await look_at_all(pace);
    } while (pace != pace_);
  } catch (const boost::system::system_error&) {  // the pool is full, or the daemon ends: the next write asks again
  }
  quota.sweep_ends(complete);
  running_ = false;
  pace_ = Pace::gentle;
  release(waiting_.size(), false);
}

// False: not all of it, so that a later sweep has to begin anew.
IoTask<bool> ExpirySweep::look_at_all(Pace pace) {
  if (clock_jumped()) {
    even_since_ = clock_.steady();
    log_.warning("the clock has jumped: no expired entry is removed before it has gone evenly for a while");
    co_return false;
  }
  auto begin = [this] { return storage_.begin_scan(); };
  const auto scan = co_await pool_.run(std::move(begin));
  if (!scan) co_return false;
  (*scan)->forget_log();
  for (bool more = true; more;) {
    if (stopping_ || !is_master_() || pace != pace_) co_return false;
    if (pace == Pace::gentle && clock_jumped()) {
      even_since_ = clock_.steady();
      co_return false;
    }
    auto work = [this, source = scan->get(), by_s = expired_by_s(pace)] { return take_slice(*source, by_s); };
    const Slice slice = co_await pool_.run(std::move(work));
    if (slice.failed) co_return false;
    more = slice.more;
    reclaimed_ += slice.removed;
    if (slice.removed > 0) release(waiting_.size(), true);  // who finds no room even now asks again
    const auto gentle_pause = slice.took * (share_of_time - 1);
    pause_.expires_after(pace == Pace::gentle ? std::max<Duration>(gentle_pause, slice_pause) : Duration{slice_pause});
    co_await pause_.async_wait(use_task);
  }
  co_return true;
}

ExpirySweep::Slice ExpirySweep::take_slice(Scan& scan, std::int64_t expired_by_s) {
  const auto begun = std::chrono::steady_clock::now();
  ExpiredKeys expired{storage_.quota(), expired_by_s};
  const auto more = scan.next_slice(expired);
  if (!more) return {.failed = true};
  const auto removed = remove(expired.keys(), expired_by_s);
  return {.more = *more, .removed = removed, .took = std::chrono::steady_clock::now() - begun};
}

std::uint64_t ExpirySweep::remove(const std::vector<std::string>& keys, std::int64_t expired_by_s) {
  if (keys.empty()) return 0;
  const Storage::Batch batch{storage_};
  std::uint64_t removed = 0;
  for (const auto& key : keys) {
    const auto outcome = storage_.execute({.kind = OperationKind::reclaim, .key = key}, expired_by_s, nullptr);
    if (outcome && outcome->kind == OutcomeKind::deleted) ++removed;
  }
  if (!storage_.write_log()) log_.error("the update log cannot be written after expired entries were removed");
  return removed;
}

// What a wrong clock shows as expired is gone for good once it is removed (docs/design.md 3.9). A jump that is shorter
// than the delay makes nobody long expired.
bool ExpirySweep::clock_jumped() {
  const auto offset_s = offset_of(clock_);
  const bool jumped = std::abs(offset_s - clock_offset_s_) >= std::min(clock_jump_max, rhythm_.delay).count();
  clock_offset_s_ = offset_s;
  return jumped;
}

void ExpirySweep::release(std::size_t count, bool made_room) {
  std::vector<Done> released;  // they may ask again at once
  for (; count > 0 && !waiting_.empty(); --count) {
    released.push_back(std::move(waiting_.front().done));
    waiting_.pop_front();
  }
  for (const auto& done : released) done(made_room);
}

void ExpirySweep::watch_patience() {
  patience_watched_ = true;
  patience_timer_.expires_at(waiting_.front().until);
  patience_timer_.async_wait([this](const error_code& error) {
    patience_watched_ = false;
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    std::size_t passed = 0;
    while (passed < waiting_.size() && waiting_[passed].until <= now) ++passed;
    release(passed, false);
    if (!waiting_.empty() && !patience_watched_) watch_patience();
  });
}

IoTask<> ExpirySweep::stopped() {
  stopping_ = true;
  look_timer_.cancel();
  release(waiting_.size(), false);
  Timer look{executor_};
  while (running_) {
    look.expires_after(stop_look);
    co_await look.async_wait(use_task);
  }
}

}  // namespace flare
