#include "flared/replication/commit_gate.h"

#include <iterator>
#include <utility>

namespace flare {

void CommitGate::when_reached(Sequence last, Done done) {
  const auto deadline = std::chrono::steady_clock::now() + patience_.load();
  std::function<void()> listener;
  {
    const std::lock_guard lock{mutex_};
    if (!reached(last)) {
      if (waiters_.empty()) listener = listener_;
      waiters_.emplace(last, Waiter{deadline, std::move(done)});
      waiting_ = waiters_.size();
      done = nullptr;
    }
  }
  if (listener) listener();
  if (done) done(true);
}

void CommitGate::answer(Waiters waiters, bool committed) {
  for (auto& [last, waiter] : waiters) waiter.done(committed);
}

void CommitGate::stand_alone() {
  Waiters all;
  {
    const std::lock_guard lock{mutex_};
    alone_ = true;
    all.swap(waiters_);
    waiting_ = 0;
  }
  answer(std::move(all), true);
}

void CommitGate::commit(Sequence committed) {
  Waiters reached;
  {
    // Under the mutex: a waiter looks at what is committed and lays itself down in one step.
    const std::lock_guard lock{mutex_};
    committed_ = raw(committed);
    if (waiters_.empty()) return;
    const auto end = waiters_.upper_bound(committed);
    for (auto it = waiters_.begin(); it != end;) reached.insert(reached.end(), waiters_.extract(it++));
    waiting_ = waiters_.size();
  }
  answer(std::move(reached), true);
}

void CommitGate::forget() {
  Waiters all;
  {
    const std::lock_guard lock{mutex_};
    alone_ = false;
    committed_ = 0;
    all.swap(waiters_);
    waiting_ = 0;
  }
  answer(std::move(all), false);
}

void CommitGate::expire(TimePoint now) {
  if (!waited_for()) return;
  Waiters late;
  {
    const std::lock_guard lock{mutex_};
    for (auto it = waiters_.begin(); it != waiters_.end();) {
      const auto present = it++;
      if (present->second.deadline <= now) late.insert(late.end(), waiters_.extract(present));
    }
    waiting_ = waiters_.size();
  }
  answer(std::move(late), false);
}

void CommitGate::on_waiting(std::function<void()> listener) {
  const std::lock_guard lock{mutex_};
  listener_ = std::move(listener);
}

}  // namespace flare
