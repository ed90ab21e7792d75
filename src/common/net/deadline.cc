#include "common/net/deadline.h"

#include <utility>

namespace flare {

Deadline::Deadline(IoExecutor executor, std::function<void()> expired)
    : timer_(executor), state_(std::make_shared<State>()) {
  state_->expired = std::move(expired);
}

Deadline::~Deadline() { disarm(); }

void Deadline::arm(Duration after) {
  const auto round = ++state_->round;
  state_->missed = false;
  timer_.expires_after(after);
  timer_.async_wait([state = state_, round](const error_code& error) {
    if (error || round != state->round) return;
    state->missed = true;
    state->expired();
  });
}

void Deadline::disarm() {
  ++state_->round;
  timer_.cancel();
}

bool Deadline::missed() const { return state_->missed; }

}  // namespace flare
