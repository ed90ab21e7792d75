#pragma once

#include <chrono>
#include <cstdint>

namespace flare {

/// How a piece of long work fared on its thread: what it took by the wall clock, and on a processor.
struct WorkTimes {
  std::chrono::nanoseconds took{0};
  std::chrono::nanoseconds processor{0};
};

/// The pause before the next piece: none while the work runs unhindered; up to as long as the piece took where it had
/// to wait for a processor or a disk, since those who serve clients wait for the same ones (docs/design.md 2).
std::chrono::nanoseconds pause_after(const WorkTimes& times);

/// Measures a piece of work on the calling thread.
class WorkWatch {
 public:
  WorkWatch();
  WorkTimes times() const;

 private:
  std::chrono::steady_clock::time_point began_;
  std::chrono::nanoseconds processor_;
};

/// While it lives the kernel lets a thread that wakes up take the processor from this one at once, not at the end of a
/// slice of 3 or 4 ms. The share of the processor stays the same. Not for work that holds a lock for which a worker
/// waits: it would be put aside with the lock in its hands. Needs no privilege; before Linux 6.12 there is no such
/// request, and then, as where it is forbidden, all stays as it is.
class GivesWay {
 public:
  GivesWay();
  ~GivesWay();
  GivesWay(const GivesWay&) = delete;
  GivesWay& operator=(const GivesWay&) = delete;

 private:
  std::uint64_t before_ns_;  // the slice; 0: nothing was changed
};

}  // namespace flare
