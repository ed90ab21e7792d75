#include "flared/replication/follower.h"

#include <utility>

#include "flared/replication/follower_run.h"

namespace flare {

std::string_view to_text(FollowState state) {
  switch (state) {
    case FollowState::idle:
      return "idle";
    case FollowState::connecting:
      return "connecting";
    case FollowState::snapshot:
      return "snapshot";
    case FollowState::streaming:
      return "streaming";
    case FollowState::in_sync:
      return "in_sync";
  }
  return "unknown";
}

Follower::Follower(IoExecutor executor, Storage& storage, BlockingPool& pool, Callbacks callbacks,
                   FollowerOptions options)
    : run_(std::make_shared<FollowerRun>(executor, storage, pool, std::move(callbacks), options)) {}

Follower::~Follower() { run_->abandon(); }

void Follower::follow(Target target) { run_->follow(std::move(target)); }

void Follower::stop() { run_->stop(); }

IoTask<> Follower::stopped() { return run_->stopped(); }

void Follower::set_pace(const DumpPace& pace) { run_->set_pace(pace); }

FollowFigures Follower::figures() const { return run_->figures(); }

}  // namespace flare
