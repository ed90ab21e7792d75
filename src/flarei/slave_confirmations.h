#pragma once

#include <set>

#include "flarei/node_event.h"
#include "flarei/refusal.h"

namespace flare {

/// Which slaves are complete by their masters' word (`node insync`, docs/spec/cluster.md 9.12). One holds for the
/// slave's present role episode only: any change of its role, state or partition ends it. In memory: a master says it
/// again. Pure.
class SlaveConfirmations {
 public:
  Result<void, Refusal> confirm(const NodeMap& map, const NodeKey& slave);
  void withdraw(const NodeKey& slave) { complete_.erase(slave); }
  void follow(const NodeMap& before, const NodeMap& after);

  SlaveBuild build_of(const NodeKey& slave) const {
    return complete_.contains(slave) ? SlaveBuild::complete : SlaveBuild::unproven;
  }

 private:
  std::set<NodeKey> complete_;
};

}  // namespace flare
