#include "flare_bench/processor_time.h"

#include <ctime>

#include "flare_bench/failure.h"

namespace flare::bench {

std::chrono::nanoseconds processor_time(pid_t pid) {
  clockid_t clock{};
  timespec spent{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &spent) != 0) {
    throw Failure{"--pids: no process " + std::to_string(pid)};
  }
  return std::chrono::seconds{spent.tv_sec} + std::chrono::nanoseconds{spent.tv_nsec};
}

std::vector<std::chrono::nanoseconds> processor_times(const std::vector<pid_t>& pids) {
  std::vector<std::chrono::nanoseconds> times;
  for (const auto pid : pids) times.push_back(processor_time(pid));
  return times;
}

}  // namespace flare::bench
