// A new partition's master takes its keys over when it has become active (docs/replication.md 7).
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>

#include "flared/replication/hello.h"
#include "flared/replication/importer_run.h"
#include "flared/replication/source_greeting.h"

namespace flare {

namespace {

constexpr std::chrono::seconds answer_deadline{2};
constexpr std::chrono::milliseconds ask_pause{100};

}  // namespace

IoTask<bool> ImporterRun::take_over([[maybe_unused]] std::shared_ptr<ImporterRun> self,
                                    std::chrono::steady_clock::duration patience) {
  takeover_.emplace();
  for (const auto& [from, source] : sources_) takeover_->begin_with(from);
  for (const auto& [from, source] : sources_) {
    if (source->original) takeover_->go_on_without(from);
    if (source->position.log_id != LogId{0}) takeover_->on_progress(from, source->position);
    ask_where_needed(source);
  }
  const auto until = std::chrono::steady_clock::now() + patience;
  while (takeover_ && !takeover_->complete() && std::chrono::steady_clock::now() < until) {
    takeover_timer_.expires_at(until);
    co_await takeover_timer_.async_wait(use_task);
  }
  if (!takeover_) co_return false;  // stopped
  const bool complete = takeover_->complete();
  if (!complete) report_missing();
  co_return complete;
}

void ImporterRun::report_missing() {
  for (const auto& [from, source] : sources_) {
    if (!takeover_->is_open(from) || !callbacks_.failed) continue;
    callbacks_.failed(fmt::format(
        "{}:{}, the master of partition {}, has not handed over in time: what it stored last for keys of the "
        "new partition may be missing here; compare by `stats replication` and dump",
        source->target.host, source->target.port, raw(from)));
  }
}

void ImporterRun::ask_where_needed(const SourcePointer& source) {
  if (source->asking || !takeover_ || !takeover_->must_ask(source->target.from, source->position)) return;
  source->asking = true;
  asio::co_spawn(executor_, ask(shared_from_this(), source), asio::detached);
}

// Beside the stream, until the source has answered for the history in which the stream goes on.
IoTask<> ImporterRun::ask([[maybe_unused]] std::shared_ptr<ImporterRun> self, SourcePointer source) {
  Timer pause{executor_};
  while (!source->ended && takeover_ && takeover_->must_ask(source->target.from, source->position)) {
    std::string reason;
    try {
      reason = co_await ask_once(*source);
    } catch (const std::exception& error) {
      reason = error.what();
    }
    if (source->ended || !takeover_) break;
    takeover_timer_.cancel();
    if (reason.empty()) break;
    report(*source, "handover: " + reason);
    pause.expires_after(ask_pause);
    co_await pause.async_wait(use_task);
  }
  source->asking = false;
}

IoTask<std::string> ImporterRun::ask_once(const Source& source) {
  const auto target = source.target;
  PeerClient client{executor_};
  const auto greeted =
      co_await greet_source(client, target.host, target.port, target.bind_address, options_.introduce, answer_deadline);
  if (!greeted) co_return greeted.error();
  const auto line = format_handover(target.partition, target.partitions, target.own_key) + "\r\n";
  const auto sent = co_await client.write(line, answer_deadline);
  if (!sent) co_return sent.error().message();
  const auto answer = co_await client.read_line(answer_deadline);
  if (!answer) co_return answer.error().message();
  const auto last = parse_handover_answer(*answer);
  if (!last) co_return std::string{*answer};
  if (takeover_) takeover_->on_handover(target.from, *last);
  co_return std::string{};
}

}  // namespace flare
