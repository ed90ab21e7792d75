#pragma once

#include <memory>
#include <vector>

#include "flare_bench/load.h"
#include "flare_bench/settings.h"

namespace flare::bench {

/// What belongs to one thread of the load: its keys, its connections, its counts. The phases run on that thread, one
/// after the other; only `progress` and `stop` are for others meanwhile.
class LoadThread {
 public:
  /// `names`, `values`, `wire` and `settings` outlive it.
  LoadThread(const Settings& settings, std::uint32_t number, const KeyNames& names, const ValueBook& values,
             const Wire& wire);

  void connect();  ///< Also those that keep still.
  void greet();    ///< Each connection has been asked and has answered.
  void fill();
  void measure(TimePoint start);

  [[nodiscard]] std::size_t connections() const { return load_.connections() + still_.connections(); }
  [[nodiscard]] const Tally& tally() const { return tally_; }
  [[nodiscard]] const Progress& progress() const { return progress_; }
  void stop() { progress_.stop = true; }  ///< From any thread: `measure` ends early.
  /// Connections of those that kept still which the server has closed or written to.
  [[nodiscard]] std::uint64_t disturbed() const { return still_wanted_ - still_.quiet_connections(); }

 private:
  [[nodiscard]] std::unique_ptr<Pace> make_pace(TimePoint start) const;
  void greet(Load& load);
  [[nodiscard]] std::uint64_t part_of(std::uint64_t whole) const;

  const Settings& settings_;
  std::uint32_t number_;
  KeyShare share_;
  KeyLedger ledger_;
  RequestWriter writer_;
  AnswerChecker checker_;
  Load load_;
  Load still_;  // connections that are greeted and then left alone
  std::uint64_t still_wanted_;
  Tally tally_{};
  Progress progress_{};
};

}  // namespace flare::bench
