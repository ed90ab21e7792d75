#include "flarei/slave_confirmations.h"

#include "flarei/map_query.h"

namespace flare {

namespace {

bool same_episode(const NodeMap& before, const NodeMap& after, const NodeKey& key) {
  const auto old = before.nodes.find(key);
  const auto now = after.nodes.find(key);
  if (old == before.nodes.end() || now == after.nodes.end()) return false;
  return old->second.role == now->second.role && old->second.state == now->second.state &&
         old->second.partition == now->second.partition;
}

}  // namespace

Result<void, Refusal> SlaveConfirmations::confirm(const NodeMap& map, const NodeKey& slave) {
  const auto found = map.nodes.find(slave);
  if (found == map.nodes.end()) return Refusal::unknown_node;
  if (found->second.role != Role::slave) return Refusal::state_not_settable;
  if (!living_master(map, found->second.partition)) return Refusal::no_master;
  complete_.insert(slave);
  return {};
}

void SlaveConfirmations::follow(const NodeMap& before, const NodeMap& after) {
  std::erase_if(complete_, [&](const NodeKey& key) { return !same_episode(before, after, key); });
}

}  // namespace flare
