#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "flare_bench/answer_checker.h"
#include "flare_bench/connection.h"
#include "flare_bench/pace.h"
#include "flare_bench/poller.h"
#include "flare_bench/wire.h"
#include "flare_bench/workload.h"

namespace flare::bench {

/// What is shared with the thread that shows how far it is.
struct Progress {
  std::atomic<bool> stop{false};  ///< set from outside: no more requests, the answers are still waited for
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> faults{0};
};

/// The connections of one thread, and the loop that sends and judges. Connections that are lost are counted and left
/// out.
class Load {
 public:
  Load(const Wire& wire, AnswerChecker& checker, Clock::duration answer_limit);

  void adopt(std::unique_ptr<Connection> connection);
  /// Those that wait for requests.
  [[nodiscard]] std::size_t connections() const { return idle_.size(); }
  /// Of them, those that the server has neither closed nor written to.
  [[nodiscard]] std::size_t quiet_connections() const;

  /// Until pace or source end and all is answered. Bounded: what is on the way is given up when nothing is answered for
  /// `answer_limit`, or when the last answers take three times as long.
  void run(Pace& pace, RequestSource& source, std::uint32_t pipeline, Tally& tally, Progress& progress);

 private:
  /// What `run` was called with, and how far it is.
  struct Run {
    Pace& pace;
    RequestSource& source;
    std::uint32_t pipeline;
    Tally& tally;
    Progress& progress;
    TimePoint start;
    TimePoint last_answer{};
    std::optional<TimePoint> ended{};  // no request begins any more
    bool exhausted = false;
  };

  [[nodiscard]] bool ends(const Run& run, TimePoint now) const;
  [[nodiscard]] bool too_late(const Run& run, TimePoint now) const;
  void start_idle(Run& run, TimePoint now);
  bool fill_batch(Run& run, Connection& connection, TimePoint now);
  void serve(Run& run, Connection& connection, std::uint32_t events);
  void push_out(Run& run, Connection& connection);
  void take_answers(Run& run, Connection& connection);
  bool take_answer(Run& run, Connection& connection, std::string_view& input, TimePoint now);
  void lose(Run& run, Connection& connection, std::uint64_t Tally::*counter, std::string_view why);
  void give_up(Run& run);

  const Wire& wire_;
  AnswerChecker& checker_;
  Clock::duration answer_limit_;
  Poller poller_{};
  std::vector<std::unique_ptr<Connection>> all_{};
  std::deque<Connection*> idle_{};  // the longest idle first, so that all are used at any rate
  std::size_t busy_ = 0;
  std::vector<char> chunk_;
  Answer answer_{};
};

}  // namespace flare::bench
