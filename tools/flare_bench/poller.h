#pragma once

#include <sys/epoll.h>

#include <array>
#include <optional>
#include <span>

#include "flare_bench/batch.h"

namespace flare::bench {

/// One epoll, with deadlines to the nanosecond: at a fixed rate requests are due within microseconds of each other.
class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void add(int descriptor, std::uint32_t events, void* owner) const {
    control(EPOLL_CTL_ADD, descriptor, events, owner);
  }
  void change(int descriptor, std::uint32_t events, void* owner) const {
    control(EPOLL_CTL_MOD, descriptor, events, owner);
  }
  void remove(int descriptor) const { control(EPOLL_CTL_DEL, descriptor, 0, nullptr); }
  /// What is ready, none at the deadline. Valid until the next call.
  std::span<const epoll_event> wait_until(TimePoint deadline);

 private:
  void control(int action, int descriptor, std::uint32_t events, void* owner) const;

  int epoll_;
  std::array<epoll_event, 256> events_{};
};

}  // namespace flare::bench
