#include "flared/replication/importer_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>

#include "common/base/limits.h"
#include "flared/replication/hello.h"
#include "flared/replication/import_record.h"
#include "flared/replication/source_greeting.h"
#include "flared/replication/storage_failure.h"

namespace flare {

namespace {

constexpr std::size_t read_bytes = 64 * 1024;  // a batch on the control thread: small, workers wait for nothing of it

const std::string ended_by_us = "ended";

}  // namespace

ImporterRun::ImporterRun(IoExecutor executor, Storage& storage, BlockingPool& pool, Importer::Callbacks callbacks,
                         FollowerOptions options)
    : executor_(executor),
      storage_(storage),
      pool_(pool),
      callbacks_(std::move(callbacks)),
      options_(options),
      takeover_timer_(executor) {}

void ImporterRun::gather(std::vector<Importer::Target> targets, Importer::FormerPartition former) {
  if (sources_.empty()) {
    gathered_ = false;
    began_empty_ = storage_.figures().items == 0;
  }
  former_ = std::move(former);
  std::map<PartitionId, SourcePointer> wanted;
  for (auto& target : targets) {
    auto found = sources_.extract(target.from);
    if (!found) {
      auto source = std::make_shared<Source>(executor_, target);
      wanted.emplace(target.from, source);
      asio::co_spawn(executor_, serve(shared_from_this(), std::move(source)), asio::detached);
      continue;
    }
    auto& source = *found.mapped();
    const bool moved = source.target.host != target.host || source.target.port != target.port;
    source.target = std::move(target);
    if (moved) source.dumped = false;
    if (moved) close(source);  // its coroutine connects to the next one
    wanted.insert(std::move(found));
  }
  std::swap(sources_, wanted);
  for (const auto& [from, source] : wanted) {  // those that are not wanted any more
    source->ended = true;
    close(*source);
    if (takeover_) takeover_->go_on_without(from);
  }
  takeover_timer_.cancel();
}

void ImporterRun::stop() {
  for (const auto& [from, source] : sources_) {
    source->ended = true;
    close(*source);
  }
  sources_.clear();
  takeover_.reset();
  takeover_timer_.cancel();
}

void ImporterRun::abandon() {
  stop();
  callbacks_ = {};
}

void ImporterRun::close(Source& source) {
  if (source.client) source.client->close();
  if (source.link) source.link->close();
  source.pause.cancel();
}

IoTask<> ImporterRun::serve([[maybe_unused]] std::shared_ptr<ImporterRun> self, SourcePointer source) {
  auto pause = options_.pause_min;
  while (!source->ended) {
    std::string reason;
    const auto before = source->position;
    try {
      reason = co_await attempt(*source);
      if (reason == original_master_text) {
        reason = co_await follow_original(source);
      } else {
        source->original = false;
        if (reason.empty()) reason = co_await run_stream(source);
      }
    } catch (const std::exception& error) {
      reason = error.what();
    }
    if (source->ended) break;
    report(*source, reason);
    source->level = false;
    pause = source->position == before ? std::min(2 * pause, options_.pause_max) : options_.pause_min;
    source->pause.expires_after(pause);
    co_await source->pause.async_wait(use_task);
  }
}

void ImporterRun::report(Source& source, const std::string& reason) {
  if (reason == std::exchange(source.last_report, reason) || !callbacks_.failed) return;
  callbacks_.failed(fmt::format("import from {}:{}: {}", source.target.host, source.target.port, reason));
}

IoTask<std::string> ImporterRun::attempt(Source& source) {
  const auto target = source.target;
  source.link.reset();
  source.client = std::make_unique<PeerClient>(executor_);
  const auto greeted = co_await greet_source(*source.client, target.host, target.port, target.bind_address,
                                             options_.introduce, options_.times.snapshot_silent_max);
  if (source.ended) co_return ended_by_us;
  if (!greeted) co_return greeted.error();
  Hello hello;
  hello.partition = target.partition;
  hello.partitions = target.partitions;
  hello.slave = target.own_key;
  hello.position = source.position;
  const auto line = format_import(hello) + "\r\n";
  const auto sent = co_await source.client->write(line, limits::peer_write_deadline);
  if (source.ended) co_return ended_by_us;
  if (!sent) co_return "import: " + sent.error().message();
  source.buffer = source.client->take_unread();
  source.link = std::make_unique<StreamLink>(source.client->release());
  source.client.reset();
  source.backup = Backup::of_import(source.position);
  source.level = false;
  co_return std::string{};
}

IoTask<std::string> ImporterRun::run_stream(SourcePointer source) {
  const auto& times = options_.times;
  for (;;) {
    auto ended = take_messages(*source);
    if (ended.empty() && source->clean_due) {
      ended = co_await clean(source);
      if (source->ended) co_return ended_by_us;
      if (ended.empty()) continue;  // what had come behind the snapshot
    }
    if (!ended.empty()) co_return ended;
    const bool streaming = source->backup.state() == Backup::State::streaming;
    if (streaming) {
      note_progress(source);
      std::string ack;
      stream::append(ack, source->backup.ack(source->backup.position().sequence));
      const auto written = co_await source->link->write(ack, times.source_silent_max);
      if (!written) co_return "acknowledging: " + written.error().message();
    }
    const auto silent_max = streaming ? times.source_silent_max : times.snapshot_silent_max;
    const auto filled = co_await source->link->read(source->buffer, read_bytes, silent_max);
    if (source->ended) co_return ended_by_us;
    if (!filled) co_return "connection lost: " + filled.error().message();
  }
}

// All whole messages of the buffer, in one batch with one write of the log; those behind a snapshot that leaves
// something to be cleaned wait until that is done.
std::string ImporterRun::take_messages(Source& source) {
  stream::Decoder decoder{options_.data_bytes_max};
  std::string_view unread{source.buffer};
  const bool was_level = source.level;
  std::string failed;
  const auto epochs = storage_.epochs();
  epoch_ = std::max(callbacks_.epoch ? callbacks_.epoch() : Epoch{0}, epochs.empty() ? Epoch{0} : epochs.back().epoch);
  {
    const Storage::Batch batch{storage_};
    while (failed.empty() && !source.clean_due) {
      const auto decoded = decoder.next(unread);
      if (!decoded) failed = fmt::format("bad message: {}", stream::to_text(decoded.error()));
      if (!decoded || !*decoded) break;
      failed = obey(source, source.backup.on_message(**decoded));
    }
    const auto written = storage_.write_log();
    if (!written) failed = store_failed("writing the log", written.error());
  }
  source.buffer.erase(0, source.buffer.size() - unread.size());
  if (failed.empty() && source.level && !was_level) note_level(source);
  return failed;
}

Result<void, StorageError> ImporterRun::write(LogEntry entry) { return import_entry(storage_, epoch_, entry); }

// What was in the store before, and what this source had and has no more, must not stay (cluster.md 9.6).
void ImporterRun::begin_snapshot(Source& source) {
  source.cleans = !began_empty_ || std::exchange(source.has_loaded, true);
  source.position = {};
  source.seen.clear();
}

std::string ImporterRun::obey(Source& source, const Backup::Action& action) {
  if (const auto* refuse = std::get_if<Backup::Refuse>(&action)) return refuse->reason;
  if (std::holds_alternative<Backup::Confirmed>(action)) source.level = true;
  if (std::holds_alternative<Backup::BeginSnapshot>(action)) begin_snapshot(source);
  if (std::holds_alternative<Backup::Commit>(action)) source.clean_due = source.cleans;
  Result<void, StorageError> stored;
  if (const auto* put = std::get_if<Backup::Put>(&action)) {
    const auto& [flags, expire_s, version, data] = put->record.record;
    if (source.cleans) source.seen.add(put->record.key);
    stored = write({.key = put->record.key, .version = version, .flags = flags, .expire_s = expire_s, .data = data});
  } else if (const auto* deletion = std::get_if<Backup::PutDeletion>(&action)) {
    const auto& deleted = deletion->deleted;
    stored = write(
        {.kind = EntryKind::remove, .key = deleted.key, .version = deleted.version, .expire_s = deleted.hold_until_s});
  } else if (const auto* apply = std::get_if<Backup::Apply>(&action)) {
    if (apply->entry.kind == EntryKind::flush) {  // all of this source's keys go, and nothing else
      source.seen.clear();
      source.clean_due = true;
    } else if (!is_drop(apply->entry)) {
      stored = write(apply->entry);
    }
  }
  return stored ? std::string{} : store_failed("importing", stored.error());
}

void ImporterRun::note_progress(const SourcePointer& source) {
  source->position = source->backup.position();
  if (!takeover_) return;
  takeover_->on_progress(source->target.from, source->position);
  ask_where_needed(source);
  takeover_timer_.cancel();
}

void ImporterRun::note_level(Source& source) {
  source.last_report.clear();
  const bool all = std::all_of(sources_.begin(), sources_.end(), [](const auto& each) { return each.second->level; });
  if (!all || std::exchange(gathered_, true)) return;
  if (callbacks_.gathered) callbacks_.gathered();
}

}  // namespace flare
