#pragma once

#include <pthread.h>
#include <signal.h>

#include <ctime>

namespace flare::bench {

/// While it lives, SIGINT and SIGTERM wait to be asked for: they end a run early, with its figures.
class EndEarly {
 public:
  EndEarly() {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~EndEarly() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  EndEarly(const EndEarly&) = delete;
  EndEarly& operator=(const EndEarly&) = delete;

  [[nodiscard]] bool wanted() const {
    const timespec at_once{};
    return ::sigtimedwait(&signals_, nullptr, &at_once) > 0;
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

}  // namespace flare::bench
