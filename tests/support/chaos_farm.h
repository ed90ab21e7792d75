#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/cluster.h"
#include "support/farm_network.h"

namespace flare::test {

/// What goes wrong in a farm.
enum class FaultKind {
  kill,            ///< kill -9; started again at the end
  lose_disk,       ///< the same, and it comes back with an empty data-dir, if the map shows it as a proxy by then
  freeze,          ///< SIGSTOP
  cut_from_index,  ///< one direction of the path between index and node, or both
  cut_nodes,       ///< the same between two nodes
  cut_clients,     ///< clients do not hear the node any more
  isolate,         ///< its cable
  node_down,       ///< an operator's `node state ... down`
  kill_index,
  freeze_index,
  split,  ///< one more partition, from now on
};

struct Fault {
  FaultKind kind = FaultKind::kill;
  std::size_t node = 0;
  std::size_t other = 0;  ///< cut_nodes
  bool there = true;      ///< of a cut: from `node`
  bool back = true;       ///< of a cut: to `node`
  Milliseconds after{};   ///< since the one before
};

[[nodiscard]] std::string to_text(const Fault& fault);

/// An index, a partition of three nodes, a proxy, and two nodes for a second partition if it is to be split; each on a
/// host of its own, with paths between them that can be cut. Faults are applied, undone, and then put right as an
/// operator does it with the documented commands.
class ChaosFarm {
 public:
  struct Plan {
    std::filesystem::path folder{};
    bool sync = true;
    int slave_balance = 0;
    bool splits = false;
  };
  static constexpr std::size_t members = 3;  // nodes 0 to 2; the next is the proxy
  static constexpr std::size_t proxy = 3;
  static constexpr std::size_t new_master = 4;  // of the second partition, and its slave behind it
  static constexpr std::size_t new_slave = 5;

  explicit ChaosFarm(Plan plan);

  void start();
  /// Where clients call from.
  [[nodiscard]] static std::string client_address();
  [[nodiscard]] Cluster& cluster() { return cluster_; }
  [[nodiscard]] std::size_t nodes() const { return cluster_.plan().nodes.size(); }

  void apply(const Fault& fault);
  /// Ends what can be ended: thaws, mends, starts again.
  void undo(const Fault& fault);
  /// Until every node has the place it should have and every copy is in sync. Empty, or what does not come right.
  [[nodiscard]] std::string restore();
  /// Nodes that were killed, or given a role, since the last call: what they show may be older than before.
  [[nodiscard]] std::set<std::size_t> take_touched();
  /// Every slave has what its master has now.
  [[nodiscard]] bool slaves_catch_up();
  /// How often a slave has become master.
  [[nodiscard]] int failovers() const;
  /// Acknowledged writes that returned masters have undone, by their logs; a lost disk undoes its own silently.
  [[nodiscard]] std::uint64_t undone_writes() const;
  [[nodiscard]] bool lost_a_disk() const { return lost_a_disk_; }
  /// Of processes that ended by themselves; empty if none did.
  [[nodiscard]] std::string unexpected_ends();
  /// Master first, of each partition.
  [[nodiscard]] std::vector<std::vector<std::size_t>> partitions() const;
  /// Logs and maps, for a failure's message.
  [[nodiscard]] std::string report();

 private:
  static ClusterPlan cluster_plan(const Plan& plan, const FarmNetwork& network);
  static std::vector<std::string> hosts(bool splits);
  void cut(const std::string& from, const std::string& to);
  void mend_all();
  void wipe_if_proxy(std::size_t node);
  bool starts_again();
  bool is_right();
  bool give_places();
  bool give_place(std::size_t number, std::size_t master, int partition, const std::map<std::string, NodeView>& map);
  bool give_new_partition(const std::map<std::string, NodeView>& map);
  void tell_index(const std::string& line);
  void ask_operator(const std::string& line);
  void hear_operator();
  [[nodiscard]] std::string words(std::size_t number) const;
  [[nodiscard]] const NodeView* view_of(const std::map<std::string, NodeView>& map, std::size_t number) const;

  const Plan plan_;
  FarmNetwork network_;
  Cluster cluster_;
  std::set<std::pair<std::string, std::string>> cut_;  // from, to
  std::set<std::size_t> unplugged_;
  std::set<std::size_t> wiped_;  // to be, before they start again
  std::set<std::size_t> down_;   // killed by us
  bool index_down_ = false;
  bool split_begun_ = false;
  bool lost_a_disk_ = false;
  std::set<std::size_t> touched_;
  std::string ended_;
  int refused_starts_ = 0;
  std::vector<TextClient> unanswered_;  // an operator's requests of this round
};

}  // namespace flare::test
