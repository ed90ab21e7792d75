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
      all_ended_(executor, Timer::time_point::max()) {}

void ImporterRun::gather(std::vector<Importer::Target> targets) {
  stop();
  targets_ = std::move(targets);
  gathered_ = false;
  wrote_ = false;
  must_empty_ = false;
  asio::co_spawn(executor_, begin(shared_from_this(), false, round_), asio::detached);
}

void ImporterRun::stop() {
  ++round_;
  close_all();
}

void ImporterRun::abandon() {
  stop();
  callbacks_ = {};
}

void ImporterRun::close_all() {
  for (const auto& source : sources_) {
    if (source->client) source->client->close();
    if (source->link) source->link->close();
    source->pause.cancel();
  }
  sources_.clear();
}

// What was deleted at a source while we did not listen must not stay here.
void ImporterRun::begin_anew() {
  stop();
  const bool empty_first = wrote_;
  wrote_ = false;
  must_empty_ = false;
  asio::co_spawn(executor_, begin(shared_from_this(), empty_first, round_), asio::detached);
}

IoTask<> ImporterRun::begin([[maybe_unused]] std::shared_ptr<ImporterRun> self, bool empty_first, std::uint64_t round) {
  while (serving_ > 0) co_await all_ended_.async_wait(use_task);
  if (round == round_ && empty_first) {
    auto flush = [this] { return storage_.flush(); };
    const auto flushed = co_await pool_.run(std::move(flush));
    if (!flushed && callbacks_.failed) callbacks_.failed(store_failed("emptying before an import", flushed.error()));
  }
  if (round != round_) co_return;
  for (const auto& target : targets_) {
    sources_.push_back(std::make_shared<Source>(executor_, target));
    asio::co_spawn(executor_, serve(self, sources_.back(), round), asio::detached);
  }
}

IoTask<> ImporterRun::serve([[maybe_unused]] std::shared_ptr<ImporterRun> self, SourcePointer source,
                            std::uint64_t round) {
  ++serving_;
  auto pause = options_.pause_min;
  while (round == round_) {
    std::string reason;
    try {
      reason = co_await attempt(*source, round);
    } catch (const std::exception& error) {
      reason = error.what();
    }
    if (round != round_) break;
    report(*source, reason);
    source->pause.expires_after(reason == original_master_text ? options_.original_pause : pause);
    co_await source->pause.async_wait(use_task);
    pause = std::min(2 * pause, options_.pause_max);
    // Once all was gathered the index counts on what is here: then only that source is read anew.
    if (round == round_ && (must_empty_ || (wrote_ && !gathered_))) begin_anew();
  }
  if (--serving_ == 0) all_ended_.cancel();
}

void ImporterRun::report(Source& source, const std::string& reason) {
  if (reason == std::exchange(source.last_report, reason) || !callbacks_.failed) return;
  callbacks_.failed(fmt::format("import from {}:{}: {}", source.target.host, source.target.port, reason));
}

IoTask<std::string> ImporterRun::attempt(Source& source, std::uint64_t round) {
  const auto& target = source.target;
  source.link.reset();
  source.client = std::make_unique<PeerClient>(executor_);
  const auto greeted = co_await greet_source(*source.client, target.host, target.port, target.bind_address,
                                             options_.introduce, options_.times.snapshot_silent_max);
  if (round != round_) co_return ended_by_us;
  if (!greeted) co_return greeted.error();
  const auto line = format_import(target.partition, target.partitions, target.own_key) + "\r\n";
  const auto sent = co_await source.client->write(line, limits::peer_write_deadline);
  if (round != round_) co_return ended_by_us;
  if (!sent) co_return "import: " + sent.error().message();
  source.buffer = source.client->take_unread();
  source.link = std::make_unique<StreamLink>(source.client->release());
  source.client.reset();
  source.backup = Backup::of_import();
  source.level = false;
  co_return co_await run_stream(source, round);
}

IoTask<std::string> ImporterRun::run_stream(Source& source, std::uint64_t round) {
  const auto& times = options_.times;
  for (;;) {
    auto ended = take_messages(source);
    if (!ended.empty()) co_return ended;
    const bool streaming = source.backup.state() == Backup::State::streaming;
    if (streaming) {
      std::string ack;
      stream::append(ack, source.backup.ack(source.backup.position().sequence));
      const auto written = co_await source.link->write(ack, times.source_silent_max);
      if (!written) co_return "acknowledging: " + written.error().message();
    }
    const auto silent_max = streaming ? times.source_silent_max : times.snapshot_silent_max;
    const auto filled = co_await source.link->read(source.buffer, read_bytes, silent_max);
    if (round != round_) co_return ended_by_us;
    if (!filled) co_return "connection lost: " + filled.error().message();
  }
}

// All whole messages of the buffer, in one batch with one write of the log.
std::string ImporterRun::take_messages(Source& source) {
  stream::Decoder decoder{options_.data_bytes_max};
  std::string_view unread{source.buffer};
  const bool was_level = source.level;
  std::string failed;
  {
    Storage::Batch batch{storage_};
    while (failed.empty()) {
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

std::string ImporterRun::obey(Source& source, const Backup::Action& action) {
  if (const auto* refuse = std::get_if<Backup::Refuse>(&action)) return refuse->reason;
  if (std::holds_alternative<Backup::Confirmed>(action)) source.level = true;
  Result<void, StorageError> stored;
  if (const auto* put = std::get_if<Backup::Put>(&action)) {
    wrote_ = true;
    stored = import_record(storage_, put->record, clock_.unix_s());
  } else if (const auto* deletion = std::get_if<Backup::PutDeletion>(&action)) {
    wrote_ = true;
    stored = import_deletion(storage_, deletion->deleted, clock_.unix_s());
  } else if (const auto* apply = std::get_if<Backup::Apply>(&action)) {
    if (apply->entry.kind == EntryKind::flush) {
      must_empty_ = wrote_;
      return "the source was emptied: the import begins anew";
    }
    wrote_ = true;
    stored = import_entry(storage_, apply->entry, clock_.unix_s());
  }
  return stored ? std::string{} : store_failed("importing", stored.error());
}

void ImporterRun::note_level(Source& source) {
  source.last_report.clear();
  const bool all = std::all_of(sources_.begin(), sources_.end(), [](const auto& each) { return each->level; });
  if (!all || std::exchange(gathered_, true)) return;
  if (callbacks_.gathered) callbacks_.gathered();
}

}  // namespace flare
