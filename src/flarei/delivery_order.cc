#include "flarei/delivery_order.h"

#include <algorithm>
#include <utility>

namespace flare {

void DeliveryOrder::hold_for(std::vector<std::vector<NodeKey>> groups) {
  for (auto& group : groups) groups_.push_back(std::move(group));
}

void DeliveryOrder::done(const NodeKey& key) {
  for (auto& group : groups_) std::erase(group, key);
  std::erase_if(groups_, [](const auto& group) { return group.empty(); });
}

std::vector<NodeKey> DeliveryOrder::awaited() const {
  std::vector<NodeKey> keys;
  for (const auto& group : groups_) keys.insert(keys.end(), group.begin(), group.end());
  return keys;
}

bool DeliveryOrder::may_receive(const NodeKey& key) const {
  return groups_.empty() || std::find(groups_.front().begin(), groups_.front().end(), key) != groups_.front().end();
}

}  // namespace flare
