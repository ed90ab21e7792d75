#include "flarei/session_table.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "common/base/limits.h"
#include "common/base/log_spdlog.h"
#include "common/protocol/reply_writer.h"
#include "flarei/index_session.h"

namespace flare {

int SessionTable::add(const std::shared_ptr<IndexSession>& session) {
  const int number = numbers_.next();
  sessions_.emplace(number, session);
  counters_.total_connections += 1;
  if (session->place() == Place::trial) end_oldest_trial();
  return number;
}

void SessionTable::remove(int number) {
  const auto found = sessions_.find(number);
  if (found == sessions_.end()) return;
  places_.leave(found->second->place(), found->second->peer());
  sessions_.erase(found);
}

// A newer one may be a node's, which shows what it is at once.
void SessionTable::end_oldest_trial() {
  std::size_t trials = 0;
  IndexSession* oldest = nullptr;
  for (const auto& [number, session] : sessions_) {
    if (session->place() != Place::trial || session->ending()) continue;
    if (++trials == 1) oldest = session.get();
  }
  if (trials > limits::trial_connections_max) oldest->close();
}

void SessionTable::refuse(int descriptor, std::string_view peer, Log& log, bool plain) {
  partings_.part(descriptor, plain ? reply::too_many_connections : std::string_view{});
  const auto held_back = refusal_log_.pass(std::chrono::steady_clock::now());
  if (!held_back) return;
  log.warning("connection of {} refused: clients have {}, as many as max-connection allows ({} more such refusals)",
              peer, places_.figures().clients, *held_back);
}

bool SessionTable::kill(int number) {
  const auto found = sessions_.find(number);
  if (found == sessions_.end()) return false;
  found->second->end();
  return true;
}

void SessionTable::renew_passages(const Doors& doors, const UserTable* users) {
  for (const auto& [number, session] : sessions_) session->renew_passage(doors, users);
}

void SessionTable::append_rows(std::string& out, std::chrono::steady_clock::time_point now) const {
  for (const auto& [number, session] : sessions_) append_thread_row(out, session->row(now));
}

void SessionTable::start() { asio::co_spawn(executor_, watch(), asio::detached); }

IoTask<> SessionTable::watch() {
  while (!stopped_) {
    timer_.expires_after(until_next_look());
    co_await timer_.async_wait(use_task);
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [number, session] : sessions_) {
      if (session->deadline() < now) session->close();
    }
  }
}

// Not each second: at an idle tenant's index that would be most of the wake-ups. HUP may shorten the limits meanwhile.
std::chrono::steady_clock::duration SessionTable::until_next_look() const {
  using Duration = std::chrono::steady_clock::duration;
  constexpr Duration least = std::chrono::seconds{1};
  constexpr Duration most = std::chrono::seconds{10};
  const auto now = std::chrono::steady_clock::now();
  auto wait = std::min<Duration>(most, limits_.idle);
  for (const auto& [number, session] : sessions_) wait = std::min<Duration>(wait, session->deadline() - now);
  return std::max(wait, least);
}

void SessionTable::stop() {
  stopped_ = true;
  timer_.cancel();
  for (const auto& [number, session] : sessions_) session->end();
}

}  // namespace flare
