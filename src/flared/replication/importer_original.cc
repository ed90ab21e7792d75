// A source that is an original (docs/spec/cluster.md 5.3, 6.2; docs/replication.md 7). It has no stream and no
// positions: its dump is read once, and what it writes for keys that will move it sends here by itself, with its name
// in the prefix, as it does to a new master of its own kind. Versions decide between the two, as they do there.
#include <fmt/format.h>

#include <utility>
#include <variant>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "flared/replication/dump_reader.h"
#include "flared/replication/importer_run.h"
#include "flared/replication/source_greeting.h"
#include "flared/replication/storage_failure.h"

namespace flare {

namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t map_lines_max = 100'000;
constexpr std::chrono::seconds dump_silent_max{60};  // a source with a long reconstruction-interval is slow, not dead
const std::string ended_by_us = "ended";

// The keys of one former partition that were here before.
class FormerKeys final : public RecordSink {
 public:
  FormerKeys(const Importer::FormerPartition& former, PartitionId from) : former_(former), from_(from) {}
  void record(std::string_view key, const RecordView&) override {
    if (!former_ || former_(key) == from_) keys_.emplace_back(key);
  }
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  const Importer::FormerPartition& former_;
  const PartitionId from_;
  std::vector<std::string> keys_;
};

// What the new master has of the key already, or has seen deleted, wins over an older record of the dump.
Operation dumped(const DumpReader::Record& piece) {
  return {.kind = OperationKind::set,
          .key = piece.key,
          .data = piece.record.data,
          .flags = piece.record.flags,
          .expire_s = piece.record.expire_s,
          .version = piece.record.version,
          .any_version = true,
          .copied = true};
}

}  // namespace

// Level after its dump, until another master takes its place or it is one of ours.
IoTask<std::string> ImporterRun::follow_original(SourcePointer source) {
  source->original = true;
  if (takeover_) takeover_->go_on_without(source->target.from);  // it hands nothing over
  takeover_timer_.cancel();
  while (!source->dumped) {
    auto failed = co_await await_map(source);
    if (source->ended || !failed.empty()) co_return failed;
    failed = co_await drop_former(source);
    if (source->ended || !failed.empty()) co_return failed;
    source->dumped = true;  // unless it is replaced meanwhile
    failed = co_await read_dump(source);
    if (source->ended) co_return ended_by_us;
    if (!failed.empty()) source->dumped = false;
    if (!failed.empty()) co_return failed;
    if (!source->dumped) co_return std::string{"another master has taken its place"};
  }
  source->link.reset();
  source->level = true;
  note_level(*source);
  co_return co_await watch_original(source);
}

IoTask<std::string> ImporterRun::watch_original(SourcePointer source) {
  while (!source->ended && source->dumped) {
    source->pause.expires_after(options_.original_pause);
    co_await source->pause.async_wait(use_task);
    if (source->ended || !source->dumped) break;
    const auto target = source->target;
    PeerClient client{executor_};
    const auto greeted = co_await greet_source(client, target.host, target.port, target.bind_address,
                                               options_.introduce, options_.times.snapshot_silent_max);
    if (greeted) source->original = source->dumped = false;
  }
  co_return std::string{"it is another daemon now"};
}

// What was in this store before must not stay (cluster.md 9.6), and the dump that follows brings back what the master
// has sent meanwhile. Not as deletions: these would refuse the dump's records.
IoTask<std::string> ImporterRun::drop_former(SourcePointer source) {
  if (began_empty_ || source->has_loaded) co_return std::string{};
  auto begin = [this] { return storage_.begin_scan(); };
  const auto scan = co_await pool_.run(std::move(begin));
  if (!scan) co_return store_failed("looking for what was here before", scan.error());
  (*scan)->forget_log();
  bool failed = false;
  for (bool more = true; more && !failed && !source->ended;) {
    auto slice = [this, &source, &scan, former = former_] {
      FormerKeys keys{former, source->target.from};
      const auto next = (*scan)->next_slice(keys);
      return std::pair{next.has_value() && *next, next.has_value() && remove(keys.keys(), OperationKind::drop)};
    };
    const auto [goes_on, done] = co_await pool_.run(std::move(slice));
    more = goes_on;
    failed = !done;
  }
  source->has_loaded = !failed;
  co_return failed ? "what was here before could not be removed" : std::string{};
}

// Writes that it takes before it knows this node as the new master, and behind the dump, would come by neither.
IoTask<std::string> ImporterRun::await_map(SourcePointer source) {
  const auto deadline = options_.times.source_silent_max;
  const auto sent = co_await source->client->write("stats nodes\r\n", deadline);
  if (source->ended) co_return ended_by_us;
  if (!sent) co_return "asking for its map: " + sent.error().message();
  const auto wanted = fmt::format("STAT {}:role master", source->target.own_key.text);
  bool found = false;
  for (std::size_t lines = 0; lines < map_lines_max; ++lines) {
    const auto line = co_await source->client->read_line(deadline);
    if (source->ended) co_return ended_by_us;
    if (!line) co_return "waiting for its map: " + line.error().message();
    found = found || *line == wanted;
    if (line->starts_with("STAT ")) continue;
    co_return found ? std::string{} : std::string{"its map does not show this node as master yet"};
  }
  co_return std::string{"its map has no end"};
}

IoTask<std::string> ImporterRun::read_dump(SourcePointer source) {
  const auto request = format_dump_request(pace_, source->target.partition, source->target.partitions) + "\r\n";
  const auto sent = co_await source->client->write(request, limits::peer_write_deadline);
  if (source->ended) co_return ended_by_us;
  if (!sent) co_return "asking for the dump: " + sent.error().message();
  source->buffer = source->client->take_unread();
  source->link = std::make_unique<StreamLink>(source->client->release());
  source->client.reset();
  for (;;) {
    const auto complete = take_dumped(*source);
    if (!complete) co_return complete.error();
    if (*complete) co_return std::string{};
    const auto filled = co_await source->link->read(source->buffer, read_bytes, dump_silent_max);
    if (source->ended) co_return ended_by_us;
    if (!filled) co_return "the dump broke off: " + filled.error().message();
  }
}

// All whole records of the buffer, in one batch with one write of the log. True: that was all.
Result<bool, std::string> ImporterRun::take_dumped(Source& source) {
  const DumpReader reader{options_.data_bytes_max};
  std::string_view unread{source.buffer};
  const auto now_s = SystemClock{}.unix_s();
  bool complete = false;
  std::string failed;
  {
    const Storage::Batch batch{storage_};
    while (failed.empty() && !complete) {
      const auto piece = reader.next(unread);
      if (!piece) failed = piece.error();
      if (!piece || !*piece) break;
      complete = std::holds_alternative<DumpReader::End>(**piece);
      if (std::holds_alternative<DumpReader::Busy>(**piece)) failed = "it serves another dump; waiting for it to end";
      const auto* record = std::get_if<DumpReader::Record>(&**piece);
      if (record == nullptr) continue;
      const auto stored = storage_.execute(dumped(*record), now_s, nullptr);
      if (!stored) failed = store_failed("storing a record of the dump", stored.error());
    }
    const auto written = storage_.write_log();
    if (!written) failed = store_failed("writing the log", written.error());
  }
  source.buffer.erase(0, source.buffer.size() - unread.size());
  if (!failed.empty()) return failed;
  return complete;
}

}  // namespace flare
