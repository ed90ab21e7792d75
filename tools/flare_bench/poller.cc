#include "flare_bench/poller.h"

#include <unistd.h>

#include <algorithm>

#include "flare_bench/failure.h"

namespace flare::bench {

Poller::Poller() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (epoll_ < 0) throw system_failure("epoll_create1");
}

Poller::~Poller() { ::close(epoll_); }

void Poller::control(int action, int descriptor, std::uint32_t events, void* owner) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = owner;
  if (::epoll_ctl(epoll_, action, descriptor, &event) != 0) throw system_failure("epoll_ctl");
}

std::span<const epoll_event> Poller::wait_until(TimePoint deadline) {
  const auto left = std::max(std::chrono::nanoseconds{0}, std::chrono::nanoseconds{deadline - Clock::now()});
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const timespec limit{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
  const int found = ::epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), &limit, nullptr);
  if (found < 0 && errno != EINTR) throw system_failure("epoll_pwait2");
  return std::span{events_}.first(static_cast<std::size_t>(std::max(found, 0)));
}

}  // namespace flare::bench
