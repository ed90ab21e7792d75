#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/net/task.h"
#include "flarei/index_stats.h"
#include "flarei/thread_numbers.h"

namespace flare {

class IndexSession;

/// The open sessions: how many there may be, how long they may wait. One timer for all. Lives on the I/O thread.
class SessionTable {
 public:
  SessionTable(IoExecutor executor, ThreadNumbers& numbers)
      : executor_(executor), numbers_(numbers), timer_(executor) {}

  struct Limits {
    std::size_t connections_max = 0;
    std::chrono::seconds idle{0};
  };
  void change_limits(const Limits& limits) { limits_ = limits; }
  const Limits& limits() const { return limits_; }

  bool is_full() const { return sessions_.size() >= limits_.connections_max; }
  int add(const std::shared_ptr<IndexSession>& session);
  void remove(int number) { sessions_.erase(number); }
  /// Closes that session; false: there is none.
  bool kill(int number);

  std::size_t size() const { return sessions_.size(); }
  IndexCounters& counters() { return counters_; }
  void append_rows(std::string& out, std::chrono::steady_clock::time_point now) const;

  /// Closes sessions that have missed their deadline, until `stop`.
  void start();
  /// Sessions that wait for a request are closed, the others when they have answered.
  void stop();

 private:
  IoTask<> watch();
  std::chrono::steady_clock::duration until_next_look() const;

  IoExecutor executor_;
  ThreadNumbers& numbers_;
  Timer timer_;
  Limits limits_;
  bool stopped_ = false;
  std::map<int, std::shared_ptr<IndexSession>> sessions_;
  IndexCounters counters_;
};

}  // namespace flare
