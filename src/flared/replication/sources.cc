#include "flared/replication/sources.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "flared/replication/source_session.h"

namespace flare {

namespace {

// On any thread, after each log write: quick, and silent when no slave is connected.
void post_wake(const std::shared_ptr<SourceShared>& shared) {
  if (shared->callbacks.log_written) shared->callbacks.log_written();
  if (!shared->has_sessions || shared->wake_posted.exchange(true)) return;
  asio::post(shared->executor, [shared] {
    shared->wake_posted = false;  // before the sessions look: a write from now on posts again
    for (const auto& session : shared->sessions) session->wake();
  });
}

}  // namespace

std::string_view to_text(SourceState state) {
  switch (state) {
    case SourceState::snapshot:
      return "snapshot";
    case SourceState::keys:
      return "keys";
    case SourceState::stream:
      return "stream";
  }
  return "unknown";
}

Sources::Sources(IoExecutor executor, Storage& storage, BlockingPool& pool, Log& log, Callbacks callbacks,
                 SourcesOptions options)
    : shared_(new SourceShared{executor, storage, pool, log, std::move(callbacks), options, {}, 0, {}, {}}) {
  storage.on_log_written([shared = shared_] { post_wake(shared); });
}

Sources::~Sources() {
  shared_->storage.on_log_written(nullptr);
  stop_all();
  shared_->sessions.clear();  // each lives on in its own coroutines, until they see the closed socket
}

void Sources::adopt(StreamSocket socket, std::string unread, std::string line, std::string peer) {
  auto session = std::make_shared<SourceSession>(shared_, std::move(socket), std::move(unread), std::move(peer));
  shared_->sessions.push_back(session);
  shared_->has_sessions = true;
  asio::co_spawn(shared_->executor, session->serve(session, std::move(line)), asio::detached);
}

void Sources::stop_all() {
  for (const auto& session : shared_->sessions) session->close("this node stops or changes its role");
}

void Sources::close_if(const std::function<bool(const std::string& peer)>& refused) {
  for (const auto& session : shared_->sessions) {
    if (refused(session->figures().peer)) session->close("its address is not allowed any more");
  }
}

void Sources::ping_importers() {
  for (const auto& session : shared_->sessions) session->ping_import();
}

void Sources::tell_committed() {
  for (const auto& session : shared_->sessions) session->tell_committed();
}

void Sources::set_pace(std::uint64_t bandwidth_kb_s, std::chrono::microseconds interval) {
  shared_->options.bandwidth_kb_s = bandwidth_kb_s;
  shared_->options.interval = interval;
}

bool Sources::serves(const NodeKey& slave) const {
  return std::any_of(shared_->sessions.begin(), shared_->sessions.end(),
                     [&](const auto& session) { return session->slave() == slave; });
}

std::vector<SourceFigures> Sources::figures() const {
  std::vector<SourceFigures> figures;
  for (const auto& session : shared_->sessions) figures.push_back(session->figures());
  return figures;
}

std::uint64_t Sources::snapshots_served() const { return shared_->snapshots_served; }

}  // namespace flare
