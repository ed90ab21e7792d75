#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "flarei/failover.h"
#include "flarei/node_event.h"
#include "unit/simulator/sim_node.h"

namespace flare::sim {

/// The flarei of the simulator: the real rules of the map and of failover, over simulated probes and deliveries. A
/// change is stored when it is made; a restart forgets everything else.
class IndexServer {
 public:
  IndexServer(Network& network, std::vector<std::unique_ptr<Node>>& nodes, Plant plant);

  void start();
  void restart();
  const NodeMap& map() const { return map_; }

  // Requests; the answers are given at once, the caller carries them.
  std::optional<NodeMap> join(const NodeKey& key);
  bool set_role(const NodeKey& key, Role role, int balance, PartitionId partition);
  bool set_in_sync(const NodeKey& slave, Epoch epoch, bool in_sync);
  bool set_active(const NodeKey& slave);

 private:
  struct Watch {
    int failures = 0;
    MapVersion delivered{0};
    bool delivering = false;
  };

  void tick();
  void probe(Node& node);
  void probed(const NodeKey& key, bool good);
  void deliver(Node& node);
  void elect(const NodeKey& master);
  void ask_position(const NodeKey& master, const std::shared_ptr<Election>& election, Node& node);
  void decide(const NodeKey& master, const std::shared_ptr<Election>& election);
  NodeMap map_for_election() const;
  NodeHealth health(const NodeKey& key) const;
  bool enact(Decision decision);

  Network& network_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  const Plant plant_;
  std::uint64_t life_ = 0;
  NodeMap map_;
  std::map<NodeKey, Watch> watches_;
  std::map<NodeKey, std::shared_ptr<Election>> elections_;  // by the master that is gone
};

}  // namespace flare::sim
