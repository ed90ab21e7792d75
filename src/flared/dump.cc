#include "flared/dump.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <utility>

#include "common/protocol/reply_writer.h"

namespace flare {

namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;
constexpr std::chrono::microseconds pause_max = std::chrono::hours{1};  // longer than anybody waits for a piece
constexpr std::string_view canceled = "SERVER_ERROR iteration canceled\r\n";

// Both are a client's numbers: the product must not overflow.
std::chrono::microseconds times(std::chrono::microseconds length, std::uint64_t count) {
  if (count == 0 || length.count() == 0) return {};
  const auto most = static_cast<std::uint64_t>(pause_max.count()) / count;
  return static_cast<std::uint64_t>(length.count()) > most ? pause_max : length * static_cast<std::int64_t>(count);
}

class DumpWriter final : public RecordSink {
 public:
  DumpWriter(const DumpSelection& selection, std::int64_t now_s) : selection_(selection), now_s_(now_s) {}

  void record(std::string_view key, const RecordView& record) override {
    if (selection_.row && selection_.row->partition_of(key_hash(selection_.key_hash, key)) != selection_.partition)
      return;
    if (selection_.keys_only) {
      append_key(out_, key);
    } else if (!record.expired(now_s_)) {
      append_dump_value(out_, key, record.flags, record.data, raw(record.version), record.expire_s);
    } else {
      return;
    }
    ++entries_;
  }

  const OutputBuffer& out() const { return out_; }
  std::uint64_t entries() const { return entries_; }

 private:
  const DumpSelection& selection_;
  std::int64_t now_s_;
  OutputBuffer out_;
  std::uint64_t entries_ = 0;
};

}  // namespace

StoreDump::StoreDump(IoExecutor control, Storage& storage, BlockingPool& pool, const Clock& clock,
                     DumpSelection selection, DumpStarts* starts)
    : control_(control),
      storage_(storage),
      pool_(pool),
      clock_(clock),
      selection_(std::move(selection)),
      starts_(starts) {}

void StoreDump::next(std::function<void(Chunk)> reply) {
  asio::co_spawn(control_, run(std::move(reply)), asio::detached);
}

IoTask<> StoreDump::run(std::function<void(Chunk)> reply) {
  const auto self = shared_from_this();
  co_await pause();
  Slice slice;
  try {
    auto work = [this] { return take_slice(); };
    slice = co_await pool_.run(std::move(work));
  } catch (const boost::system::system_error&) {
    slice.chunk = {"SERVER_ERROR database busy\r\n", true};  // the pool is full, or the daemon ends
  }
  given_bytes_ = slice.chunk.bytes.size();
  given_entries_ = slice.entries;
  reply(std::move(slice.chunk));
}

StoreDump::Slice StoreDump::take_slice() {
  if (!scan_) {
    auto scan = storage_.begin_scan();
    if (!scan) return {{std::string{reply::io_error}, true}};
    scan_ = std::move(*scan);
    if (starts_) starts_->note(scan_->position().sequence, std::chrono::steady_clock::now());
  }
  DumpWriter writer{selection_, clock_.unix_s()};
  bool more = true;
  while (more && writer.out().size() < chunk_bytes) {
    const auto taken = scan_->next_slice(writer);
    if (!taken) {
      const bool aborted = taken.error() == StorageError::aborted;
      return {{std::string{writer.out().view()} + std::string{aborted ? canceled : reply::io_error}, true}};
    }
    more = *taken;
  }
  Slice slice{{std::string{writer.out().view()}, !more}, writer.entries()};
  if (!more) slice.chunk.bytes += reply::end;
  return slice;
}

// For what was given before: so the first piece goes out at once, and nobody waits behind the last.
IoTask<> StoreDump::pause() {
  auto length = times(std::chrono::microseconds{selection_.wait_us}, given_entries_);
  if (selection_.bandwidth_kb_s > 0) {
    const auto us = std::uint64_t{given_bytes_} * 1'000'000 / (std::uint64_t{1024} * selection_.bandwidth_kb_s);
    length = std::max(length, times(std::chrono::microseconds{1}, us));
  }
  if (length.count() == 0) co_return;
  Timer timer{control_};
  timer.expires_after(length);
  co_await timer.async_wait(use_task);
}

}  // namespace flare
