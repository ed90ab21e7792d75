#include "flared/dump.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "common/protocol/reply_writer.h"

namespace flare {

namespace {

constexpr std::size_t chunk_bytes = 256 * 1024;
constexpr std::string_view canceled = "SERVER_ERROR iteration canceled\r\n";

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
                     DumpSelection selection)
    : control_(control), storage_(storage), pool_(pool), clock_(clock), selection_(std::move(selection)) {}

void StoreDump::next(std::function<void(Chunk)> reply) {
  asio::co_spawn(control_, run(std::move(reply)), asio::detached);
}

IoTask<> StoreDump::run(std::function<void(Chunk)> reply) {
  const auto self = shared_from_this();
  Slice slice;
  try {
    auto work = [this] { return take_slice(); };
    slice = co_await pool_.run(std::move(work));
  } catch (const boost::system::system_error&) {
    slice.chunk = {"SERVER_ERROR database busy\r\n", true};  // the pool is full, or the daemon ends
  }
  if (!slice.chunk.last) co_await pause(slice.chunk.bytes.size(), slice.entries);
  reply(std::move(slice.chunk));
}

StoreDump::Slice StoreDump::take_slice() {
  if (!scan_) {
    auto scan = storage_.begin_scan();
    if (!scan) return {{std::string{reply::io_error}, true}};
    scan_ = std::move(*scan);
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

IoTask<> StoreDump::pause(std::size_t bytes, std::uint64_t entries) {
  auto length = std::chrono::microseconds{selection_.wait_us * static_cast<std::int64_t>(entries)};
  if (selection_.bandwidth_kb_s > 0) {
    const auto us = static_cast<std::int64_t>(bytes) * 1'000'000 / (std::int64_t{1024} * selection_.bandwidth_kb_s);
    length = std::max(length, std::chrono::microseconds{us});
  }
  if (length.count() == 0) co_return;
  Timer timer{control_};
  timer.expires_after(length);
  co_await timer.async_wait(use_task);
}

}  // namespace flare
