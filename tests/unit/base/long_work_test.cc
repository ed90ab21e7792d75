#include "common/base/long_work.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <thread>

namespace flare {
namespace {

using namespace std::chrono_literals;

TEST(LongWork, PausesByWhatItHadToWait) {
  struct Case {
    WorkTimes times;
    std::chrono::nanoseconds pause;
  };
  for (const auto& [times, pause] : std::initializer_list<Case>{{{0ns, 0ns}, 0ns},
                                                                {{1ms, 1ms}, 0ns},      // unhindered
                                                                {{1ms, 1001us}, 0ns},   // two clocks
                                                                {{1ms, 900us}, 400us},  // little
                                                                {{1ms, 750us}, 1ms},    // a quarter
                                                                {{1ms, 100us}, 1ms},    // never longer than the piece,
                                                                {{5s, 1s}, 20ms}}) {    // nor than this
    EXPECT_EQ(pause_after(times), pause) << times.took.count() << " ns, on a processor " << times.processor.count();
  }
}

TEST(LongWork, TellsWaitingFromWorking) {
  const WorkWatch watch;
  std::this_thread::sleep_for(20ms);
  const auto times = watch.times();
  EXPECT_GE(times.took, 20ms);
  EXPECT_LT(times.processor, times.took / 2);
}

// The slice in ns as the kernel tells it; 0 before Linux 6.12.
std::uint64_t slice_of_this_thread() {
  std::array<char, 48> attributes{};
  EXPECT_EQ(::syscall(SYS_sched_getattr, 0, attributes.data(), attributes.size(), 0), 0);
  std::uint64_t slice = 0;
  constexpr std::size_t runtime_at = 24;
  std::memcpy(&slice, attributes.data() + runtime_at, sizeof slice);
  return slice;
}

TEST(LongWork, GivesWayAsLongAsItIsAskedTo) {
  const auto policy = ::sched_getscheduler(0);
  const auto before = slice_of_this_thread();
  const bool knows_slices = policy == SCHED_OTHER && before != 0;  // Linux before 6.12 tells none
  {
    const GivesWay gives_way;
    EXPECT_EQ(slice_of_this_thread() > before, knows_slices);
    EXPECT_EQ(::sched_getscheduler(0), policy);
  }
  EXPECT_EQ(slice_of_this_thread(), before);
}

}  // namespace
}  // namespace flare
