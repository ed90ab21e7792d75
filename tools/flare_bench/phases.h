#pragma once

#include "flare_bench/result.h"

namespace flare::bench {

/// Connects, fills and measures, each step on all threads at once, with a progress line where stderr is a terminal.
/// Throws Failure or std::invalid_argument.
[[nodiscard]] Result run_phases(const Settings& settings);

}  // namespace flare::bench
