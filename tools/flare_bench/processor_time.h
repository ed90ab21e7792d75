#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

namespace flare::bench {

/// Processor time, user and system, that this process has used so far, in nanoseconds as the scheduler counts them (a
/// tick of /proc/<pid>/stat is 10 ms). Throws Failure when there is no such process.
[[nodiscard]] std::chrono::nanoseconds processor_time(pid_t pid);
[[nodiscard]] std::vector<std::chrono::nanoseconds> processor_times(const std::vector<pid_t>& pids);

}  // namespace flare::bench
