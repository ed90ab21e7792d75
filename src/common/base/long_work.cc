#include "common/base/long_work.h"

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

namespace flare {
namespace {

using std::chrono::nanoseconds;

constexpr int pause_factor = 4;  // a quarter of the time waited: all of it as a pause
constexpr std::chrono::milliseconds pause_max{20};

// Longer than the kernel's own (0.7 ms times 1 + log2 of the cores): who asks for less is let in.
constexpr std::uint64_t slice_ns = 20'000'000;

// Of sched_setattr(2), for which glibc 2.36 has no function.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // of SCHED_OTHER: the slice
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

// The slice that was asked for or given before; 0: nothing was changed.
std::uint64_t ask_for_slice(std::uint64_t ns) {
  SchedulingAttributes attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return 0;
  if (attributes.policy != SCHED_OTHER || attributes.runtime == 0) return 0;  // an operator's choice; an older kernel
  const auto before = std::exchange(attributes.runtime, ns);
  return ::syscall(SYS_sched_setattr, 0, &attributes, 0) == 0 ? before : 0;
}

nanoseconds processor_time() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds{spent.tv_sec} + nanoseconds{spent.tv_nsec};
}

}  // namespace

nanoseconds pause_after(const WorkTimes& times) {
  const auto waited = std::max(times.took - times.processor, nanoseconds{0});
  return std::min({pause_factor * waited, times.took, nanoseconds{pause_max}});
}

WorkWatch::WorkWatch() : began_(std::chrono::steady_clock::now()), processor_(processor_time()) {}

WorkTimes WorkWatch::times() const {
  return {.took = std::chrono::steady_clock::now() - began_, .processor = processor_time() - processor_};
}

GivesWay::GivesWay() : before_ns_(ask_for_slice(slice_ns)) {}

GivesWay::~GivesWay() {
  if (before_ns_ != 0) std::ignore = ask_for_slice(before_ns_);
}

}  // namespace flare
