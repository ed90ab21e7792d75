#pragma once

#include <memory>
#include <string>
#include <vector>

#include "unit/simulator/sim_client.h"
#include "unit/simulator/sim_index.h"
#include "unit/simulator/sim_node.h"

namespace flare::sim {

/// One schedule: a cluster of one partition under writes, with kills, freezes, cuts and restarts drawn from the seed;
/// then peace, in which everything must come right. The same seed gives the same schedule.
class Simulation final : public Surroundings {
 public:
  struct Settings {
    unsigned seed = 1;
    bool sync = true;
    Plant plant = Plant::none;
  };
  explicit Simulation(Settings settings);

  /// What went wrong, a sentence; empty: nothing.
  std::string run();

  struct Figures {
    std::size_t acknowledged = 0;  // writes
    std::size_t reigns = 0;        // masters one after another
    std::size_t corrections = 0;   // nodes that returned with a surplus, by keys
  };
  Figures figures() const;

 private:
  Node* node(const NodeKey& key) override;
  void ask_to_join(Node& node, std::function<void(const NodeMap&)> done) override;
  void tell_in_sync(Node& from, NodeKey slave, Epoch epoch, bool in_sync, std::function<void(bool)> done) override;
  void tell_active(Node& from, std::function<void(bool)> done) override;

  void ask_index(Node& from, std::function<std::function<void()>()> ask);
  void set_up();
  void trouble();
  void one_fault();
  void restart_later(Node& node);
  void operator_round();
  Node* called_master();
  bool is_settled() const;
  std::string watch_leaders();
  std::string judge() const;

  const Settings settings_;
  Network network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  IndexServer index_;
  std::vector<std::unique_ptr<Client>> clients_;
  bool peace_ = false;
  std::map<Epoch, NodeKey> leader_of_;
  std::string fault_;
};

}  // namespace flare::sim
