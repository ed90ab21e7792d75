#pragma once

#include <deque>
#include <vector>

#include "common/cluster/node.h"

namespace flare {

/// Who may be sent the newest map now: while prior nodes have not got it, only they (docs/spec/cluster.md 4.2). Whoever
/// owns it gives up on them at a deadline. Pure.
class DeliveryOrder {
 public:
  void hold_for(std::vector<std::vector<NodeKey>> groups);
  /// `key` has the newest map, or can no longer get it.
  void done(const NodeKey& key);
  void give_up() { groups_.clear(); }

  std::vector<NodeKey> awaited() const;
  bool holds() const { return !groups_.empty(); }
  bool may_receive(const NodeKey& key) const;

 private:
  std::deque<std::vector<NodeKey>> groups_;
};

}  // namespace flare
