#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_rewrite.h"
#include "flared/storage/kyoto_scan.h"

/// Whether the store is to be rewritten, and what comes of it (docs/design.md 3.11).
namespace flare {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::hours after_damage{1};  // until an operator may have set the record anew

const char* text_of(RewriteCause cause) {
  return cause == RewriteCause::few_buckets ? "it has few buckets for its records"
                                            : "it takes much more than its records";
}

class SizesSink final : public RecordSink {
 public:
  void record(std::string_view key, const RecordView& record) override {
    bytes += key.size() + record_header_bytes + record.data.size();
  }
  std::uint64_t bytes = 0;
};

}  // namespace

StoreShape KyotoStorage::shape() const {
  const auto store = files().store;
  const auto used = store->used_bytes();
  return {.items = static_cast<std::uint64_t>(std::max<std::int64_t>(0, store->db().count())),
          .buckets = store->buckets(),
          .used_bytes = used,
          .live_bytes = quota_.live_bytes(),
          .used_grown = static_cast<std::int64_t>(used) - static_cast<std::int64_t>(used_when_counted_.load()),
          .live_grown = quota_.change_of_bytes(),
          .alignment_bytes = store->alignment_bytes()};
}

// After each checkpoint: some additions.
void KyotoStorage::look_whether_to_rewrite() {
  if (health_ == Health::good && rewrite_cause(shape(), options_.rewrite_pace) != RewriteCause::none) rewrites_->wake();
}

std::optional<RewriteThread::Duration> KyotoStorage::rewrite_if_due(const RewriteThread::Pause& pause) {
  auto cause = rewrite_cause(shape(), options_.rewrite_pace);
  if (cause == RewriteCause::unknown) {
    if (!count_live_bytes(pause)) return options_.rewrite_pace.try_again;
    cause = rewrite_cause(shape(), options_.rewrite_pace);
  }
  if (cause == RewriteCause::none || cause == RewriteCause::unknown) return std::nullopt;
  return rewrite(cause, pause);
}

// Gently, by a scan: about right is enough.
bool KyotoStorage::count_live_bytes(const RewriteThread::Pause& pause) {
  std::unique_ptr<Scan> scan;
  {
    const Gate::Slice alone{gate_};
    auto begun = health_ == Health::good ? KyotoScan::begin_locked(*this) : StorageError::aborted;
    if (!begun) return false;
    scan = std::move(*begun);
    scan->forget_log();
  }
  SizesSink sizes;
  for (bool more = true; more;) {
    const auto begun = steady_clock::now();
    const auto slice = scan->next_slice(sizes);
    if (!slice || !pause((steady_clock::now() - begun) * (options_.rewrite_pace.share_of_time - 1))) return false;
    more = *slice;
  }
  const Gate::Slice alone{gate_};
  quota_.measured(sizes.bytes);
  return true;
}

std::optional<RewriteThread::Duration> KyotoStorage::rewrite(RewriteCause cause, const RewriteThread::Pause& pause) {
  using End = Rewrite::End;
  const auto begun = steady_clock::now();
  const auto before = figures().file_bytes;
  Result<void, End> done = End::failed;
  std::uint64_t stood_still_us = 0;
  {
    Rewrite rewriting{*this, pause};
    done = rewriting.run();
    stood_still_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(rewriting.stood_still()).count());
  }
  rewrite_percent_ = 0;
  const auto took = steady_clock::now() - begun;
  const auto store = path("flare.kch").string();
  if (done) {
    ++rewrites_done_;
    rewrite_trouble_told_.clear();
    const auto now = figures();
    logger_.notice(
        "{}: rewritten since {}: {} records, {} bytes before, {} now; it took {:.1f} s, requests waited {} us", store,
        text_of(cause), now.items, before, now.file_bytes, std::chrono::duration<double>(took).count(), stood_still_us);
    return took;  // at most half of the time
  }
  const auto told = [&](std::string trouble) {
    if (std::exchange(rewrite_trouble_told_, trouble) == trouble) return;
    logger_.warning("{}: is not rewritten, though {}: {}", store, text_of(cause), trouble);
  };
  switch (done.error()) {
    case End::given_up:
      break;
    case End::no_space:
      told("its disk has no room for a second copy above twice the disk-reserve; make room, it is tried again");
      break;
    case End::damaged:
      told("a record is damaged; set it anew, or build this node from another");
      return after_damage;
    case End::log_gone:
      told("writes come faster than it can follow within log-max-size; raise that");
      break;
    case End::busy:
      told("dumps, builds or sweeps read the store all the time; it is tried again");
      break;
    case End::failed:
      told("the new file cannot be written or read; look at the disk");
      break;
  }
  return std::max<RewriteThread::Duration>(options_.rewrite_pace.try_again, took);
}

}  // namespace flare
