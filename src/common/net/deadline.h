#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/net/task.h"

namespace flare {

/// One time limit after the other for the waits of one owner. `expired` runs on the executor's thread, never after
/// `disarm` or the end of this object: a timer's handler that is already queued finds its round over.
class Deadline {
 public:
  using Duration = std::chrono::steady_clock::duration;

  Deadline(IoExecutor executor, std::function<void()> expired);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void arm(Duration after);
  void disarm();
  /// Whether the last armed limit has passed.
  bool missed() const;

 private:
  struct State {
    std::uint64_t round = 0;
    bool missed = false;
    std::function<void()> expired;
  };

  Timer timer_;
  std::shared_ptr<State> state_;
};

}  // namespace flare
