#include "flared/replication/original_slaves.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "common/base/limits.h"
#include "flared/replication/original_slave.h"

namespace flare {

OriginalSlaves::OriginalSlaves(IoExecutor executor, Storage& storage, BlockingPool& pool, Log& log, NodeKey own,
                               Callbacks callbacks, OriginalSlavesOptions options)
    : shared_(new OriginalSlavesShared{executor, storage, pool, log, std::move(own), std::move(callbacks),
                                       std::move(options)}) {}

OriginalSlaves::~OriginalSlaves() { stop_all(); }

void OriginalSlaves::serve(std::vector<Target> targets) {
  if (targets.size() > limits::original_slaves_max) {
    shared_->log.error("replication: this master has {} slaves; only {} that are originals can be served",
                       targets.size(), limits::original_slaves_max);
    targets.resize(limits::original_slaves_max);
  }
  auto& sessions = shared_->sessions;
  std::erase_if(shared_->finishing, [](const auto& session) { return session.expired(); });
  std::erase_if(sessions, [&](const auto& session) {
    const bool stays =
        std::any_of(targets.begin(), targets.end(), [&](const Target& target) { return target.key == session->key(); });
    if (!stays) {
      session->finish();
      shared_->finishing.push_back(session);
    }
    return !stays;
  });
  for (auto& target : targets) {
    const auto found = std::find_if(sessions.begin(), sessions.end(),
                                    [&](const auto& session) { return session->key() == target.key; });
    if (found != sessions.end()) {
      (*found)->update(std::move(target));
      continue;
    }
    sessions.push_back(std::make_shared<OriginalSlave>(shared_, std::move(target)));
    asio::co_spawn(shared_->executor, sessions.back()->run(sessions.back()), asio::detached);
  }
  shared_->has_sessions = !sessions.empty();
}

void OriginalSlaves::stop_all() {
  serve({});
  for (const auto& session : std::exchange(shared_->finishing, {})) {
    if (const auto open = session.lock()) open->close();
  }
}

bool OriginalSlaves::are_finishing() const {
  return std::any_of(shared_->finishing.begin(), shared_->finishing.end(),
                     [](const auto& session) { return !session.expired(); });
}

void OriginalSlaves::log_written() {
  if (!shared_->has_sessions || shared_->wake_posted.exchange(true)) return;
  asio::post(shared_->executor, [shared = shared_] {
    shared->wake_posted = false;  // before the sessions look: a write from now on posts again
    for (const auto& session : shared->sessions) session->wake();
  });
}

DumpStarts& OriginalSlaves::dump_starts() { return shared_->dump_starts; }

std::vector<SourceFigures> OriginalSlaves::figures() const {
  std::vector<SourceFigures> figures;
  for (const auto& session : shared_->sessions) {
    if (session->is_original()) figures.push_back(session->figures());
  }
  return figures;
}

}  // namespace flare
