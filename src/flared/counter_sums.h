#pragma once

#include <cstdint>
#include <vector>

#include "flared/counters.h"

namespace flare {

/// What all workers together have counted since `stats reset`. A counter has one writer, its worker: so a reset writes
/// none of them, but remembers where they stood, and the sums leave that out. Pure; for the control thread.
class CounterSums {
 public:
  explicit CounterSums(std::vector<const Counters*> workers, const Counters* at_reset = nullptr)
      : workers_(std::move(workers)), at_reset_(at_reset) {}

  std::uint64_t of(Counter Counters::*member) const {
    std::uint64_t total = at_reset_ ? 0 - (at_reset_->*member).get() : 0;
    for (const auto* counters : workers_) total += (counters->*member).get();
    return total;
  }

 private:
  std::vector<const Counters*> workers_;
  const Counters* at_reset_;
};

/// Makes `at_reset` what `workers` have counted now: of what memcached 1.6 zeroes, so not of the open connections.
void remember_for_reset(const std::vector<const Counters*>& workers, Counters& at_reset);

}  // namespace flare
