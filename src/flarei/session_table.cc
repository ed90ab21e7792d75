#include "flarei/session_table.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "flarei/index_session.h"

namespace flare {

int SessionTable::add(const std::shared_ptr<IndexSession>& session) {
  const int number = numbers_.next();
  sessions_.emplace(number, session);
  counters_.total_connections += 1;
  return number;
}

bool SessionTable::kill(int number) {
  const auto found = sessions_.find(number);
  if (found == sessions_.end()) return false;
  found->second->end();
  return true;
}

void SessionTable::renew_passages(const Doors& doors) {
  for (const auto& [number, session] : sessions_) session->renew_passage(doors);
}

void SessionTable::append_rows(std::string& out, std::chrono::steady_clock::time_point now) const {
  for (const auto& [number, session] : sessions_) append_thread_row(out, session->row(now));
}

void SessionTable::start() { asio::co_spawn(executor_, watch(), asio::detached); }

IoTask<> SessionTable::watch() {
  while (!stopped_) {
    timer_.expires_after(std::chrono::seconds{1});
    co_await timer_.async_wait(use_task);
    const auto now = std::chrono::steady_clock::now();
    for (const auto& [number, session] : sessions_) {
      if (session->deadline() < now) session->close();
    }
  }
}

void SessionTable::stop() {
  stopped_ = true;
  timer_.cancel();
  for (const auto& [number, session] : sessions_) session->end();
}

}  // namespace flare
