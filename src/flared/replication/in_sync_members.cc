#include "flared/replication/in_sync_members.h"

namespace flare {

InSyncSet::Members in_sync_members(const NodeMap& map, PartitionId partition) {
  InSyncSet::Members members;
  const auto reign = map.reigns.find(partition);
  members.stored = reign != map.reigns.end();
  members.epoch = members.stored ? reign->second.epoch : Epoch{raw(map.version)};
  if (members.stored) members.in_sync = reign->second.in_sync;
  for (const auto& [key, node] : map.nodes) {
    if (node.partition != partition || node.role != Role::slave || node.state == State::down) continue;
    members.slaves.insert(key);
    if (node.state == State::prepare) members.preparing.insert(key);
    if (!members.stored && node.state == State::active) members.in_sync.insert(key);
  }
  return members;
}

Epoch epoch_of(const NodeMap& map, PartitionId partition) {
  const auto reign = map.reigns.find(partition);
  return reign == map.reigns.end() ? Epoch{0} : reign->second.epoch;
}

}  // namespace flare
