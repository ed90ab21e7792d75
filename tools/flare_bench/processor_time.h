#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

namespace flare::bench {

/// Processor time, user and system, that these processes have used so far (/proc/<pid>/stat, in clock ticks).
[[nodiscard]] std::chrono::duration<double> processor_time(const std::vector<pid_t>& pids);

}  // namespace flare::bench
