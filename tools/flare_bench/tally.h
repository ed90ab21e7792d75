#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flare_bench/histogram.h"
#include "flare_bench/timeline.h"

namespace flare::bench {

/// What came of the requests of one thread in one phase; threads' tallies are merged.
struct Tally {
  std::uint64_t gets = 0;       ///< answered, with a value or not
  std::uint64_t keys_read = 0;  ///< asked for by them
  std::uint64_t sets = 0;       ///< answered
  std::uint64_t wrong = 0;      ///< a byte is not as written, or the answer is not one of the protocol
  std::uint64_t stale = 0;      ///< older than a set that was acknowledged before the get was sent
  std::uint64_t missing = 0;    ///< no value for a key that has one
  std::uint64_t errors = 0;     ///< refused or failed, by the server's own word
  std::uint64_t unanswered = 0;
  std::uint64_t unsent = 0;  ///< due by the fixed rate, but no connection was free in time
  std::uint64_t lost_connections = 0;
  std::string first_fault{};  ///< the first of any of them, in words
  Histogram get_times{};
  Histogram set_times{};
  Timeline timeline{};

  [[nodiscard]] std::uint64_t answered() const { return gets + sets; }
  [[nodiscard]] std::uint64_t faults() const {
    return wrong + stale + missing + errors + unanswered + unsent + lost_connections;
  }
  [[nodiscard]] Histogram all_times() const;

  /// Counts one fault; `what` is kept if it is the first.
  void blame(std::uint64_t Tally::*counter, std::string_view what, std::uint64_t times = 1);
  void merge(const Tally& other);
};

}  // namespace flare::bench
