#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "flare_bench/settings.h"
#include "flare_bench/tally.h"

namespace flare::bench {

/// What a run has found.
struct Result {
  std::size_t connections = 0;  ///< made and served, with those that keep still
  Seconds connect{};            ///< until all were made
  Seconds greet{};              ///< from then until each had its first answer
  Seconds fill{};
  Seconds run{};
  Tally tally{};
  std::vector<std::chrono::nanoseconds> servers{};  ///< processor time of the run, of each of the pids
  std::chrono::nanoseconds own{};                   ///< of this program

  [[nodiscard]] std::chrono::nanoseconds servers_together() const {
    std::chrono::nanoseconds sum{};
    for (const auto spent : servers) sum += spent;
    return sum;
  }
};

}  // namespace flare::bench
