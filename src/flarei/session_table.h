#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/rate_gate.h"
#include "common/net/authenticator.h"
#include "common/net/connection_places.h"
#include "common/net/door_keeper.h"
#include "common/net/handshakes.h"
#include "common/net/parting.h"
#include "common/net/task.h"
#include "flarei/index_stats.h"
#include "flarei/thread_numbers.h"

namespace flare {

class IndexSession;

/// The open sessions: how many there may be, how long they may wait. One timer for all. Lives on the I/O thread.
class SessionTable {
 public:
  SessionTable(IoExecutor executor, ThreadNumbers& numbers)
      : executor_(executor),
        numbers_(numbers),
        timer_(executor),
        partings_(executor),
        handshakes_(executor, flare::limits::tls_handshakes_max, flare::limits::tls_handshake_deadline) {}

  struct Limits {
    std::size_t connections_max = 0;
    std::chrono::seconds idle{0};
  };
  void change_limits(const Limits& limits) {
    limits_ = limits;
    places_.change_clients_max(limits.connections_max);
  }
  const Limits& limits() const { return limits_; }

  ConnectionPlaces& places() { return places_; }
  Partings& partings() { return partings_; }
  Handshakes& handshakes() { return handshakes_; }
  /// Of a connection that found no place: owns `descriptor` from here on. `plain`: it can read why.
  void refuse(int descriptor, std::string_view peer, Log& log, bool plain = true);
  int add(const std::shared_ptr<IndexSession>& session);
  void remove(int number);
  /// Closes that session; false: there is none.
  bool kill(int number);

  /// By new lists or users: sessions end, or lose classes.
  void renew_passages(const Doors& doors, const UserTable* users);

  /// Who judges logins; null: there are no users (option auth-file).
  void ask_for_users(Authenticator& authenticator) { authenticator_ = &authenticator; }
  Authenticator* authenticator() const { return authenticator_; }

  std::size_t size() const { return sessions_.size(); }
  IndexCounters& counters() { return counters_; }
  void append_rows(std::string& out, std::chrono::steady_clock::time_point now) const;

  /// Closes sessions that have missed their deadline, until `stop`.
  void start();
  /// Sessions that wait for a request are closed, the others when they have answered.
  void stop();

 private:
  IoTask<> watch();
  void end_oldest_trial();
  std::chrono::steady_clock::duration until_next_look() const;

  IoExecutor executor_;
  ThreadNumbers& numbers_;
  Timer timer_;
  Partings partings_;
  Handshakes handshakes_;
  ConnectionPlaces places_;
  RateGate refusal_log_{std::chrono::seconds{1}};
  Limits limits_;
  Authenticator* authenticator_ = nullptr;
  bool stopped_ = false;
  std::map<int, std::shared_ptr<IndexSession>> sessions_;
  IndexCounters counters_;
};

}  // namespace flare
