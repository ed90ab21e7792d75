#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/process.h"
#include "support/text_client.h"

namespace flare::test {

/// What a node is in the map of the index, as `stats nodes` shows it.
struct NodeView {
  std::string role{};
  std::string state{};
  std::string partition{};
  std::string balance{};
  std::string thread_type{};
  friend bool operator==(const NodeView&, const NodeView&) = default;
};

/// All nodes of an answer to `stats nodes`.
[[nodiscard]] std::map<std::string, NodeView> read_map(const std::vector<std::string>& lines);

/// An option given here takes the place of the Cluster's default. By default the index takes a node for dead that is
/// gone, but none that stands still: a loaded machine lets a node wait, too. A test of the monitor says
/// monitor-read-timeout itself.
struct ClusterPlan {
  std::filesystem::path folder{};  ///< data-dirs, config files and logs go below it
  std::string tenant{};            ///< option `tenant`; empty: not set
  Address index{.name = "127.0.0.1", .port = 12120};
  std::vector<Address> nodes{};
  bool bind_addresses = false;  ///< option bind-address for each daemon: its own server-name
  std::vector<std::string> index_lines{};
  std::vector<std::string> node_lines{};
  std::map<std::string, std::string> networks{};                ///< of daemons by their server-name: Command::network
  std::map<std::string, std::vector<std::string>> launchers{};  ///< by key: words before the program's, as of valgrind
};

/// One flarei and its flareds, real processes with config files. Ends with the object, kill -9.
class Cluster {
 public:
  explicit Cluster(ClusterPlan plan);

  [[nodiscard]] const ClusterPlan& plan() const { return plan_; }
  [[nodiscard]] const Address& index() const { return plan_.index; }
  [[nodiscard]] const Address& node(std::size_t number) const { return plan_.nodes.at(number); }

  /// Starts everything, nodes in order, and waits until each is active in the map and answers.
  void start();
  void start_index();
  /// Until it has joined: the map shows it active, and not only still.
  void start_node(std::size_t number);
  /// Starts the process only; the caller waits for what it expects.
  void spawn_node(std::size_t number, const std::vector<std::string>& more_words = {});
  void spawn_index(const std::vector<std::string>& more_words = {});

  [[nodiscard]] Process& index_process() { return processes_.at(key_of(plan_.index)); }
  [[nodiscard]] Process& node_process(std::size_t number) { return processes_.at(key_of(plan_.nodes.at(number))); }

  [[nodiscard]] std::filesystem::path config_of(const Address& daemon) const;
  [[nodiscard]] std::filesystem::path data_of(const Address& daemon) const;
  [[nodiscard]] std::filesystem::path log_of(const Address& daemon) const;

  [[nodiscard]] std::string ask_index(const std::string& line) const;
  [[nodiscard]] std::map<std::string, NodeView> map() const;
  /// The node's entry; nothing if the index does not answer or has none.
  [[nodiscard]] std::optional<NodeView> view(std::size_t number) const;
  /// Waits until the node's entry begins with these: role, state.
  [[nodiscard]] bool becomes(std::size_t number, const std::string& role, const std::string& state,
                             Milliseconds limit = usual_limit) const;
  /// All running nodes hold the index's map: its answers come before the nodes have it (cluster.md 1.3).
  [[nodiscard]] bool settles(Milliseconds limit = usual_limit);
  /// `node role ... master 1 <partition>`, until it is active there and all nodes know.
  void make_master(std::size_t number, int partition = 0);
  /// `node role ... slave 1 <partition>` twice, as an operator does: the second gives it its balance.
  void make_slave(std::size_t number, int balance = 1, int partition = 0);

 private:
  void write_configs() const;
  void write_config(const Address& daemon, std::vector<std::string> lines) const;
  void spawn(const std::string& program, const Address& daemon, const std::vector<std::string>& more_words);
  [[nodiscard]] bool says_since_its_start(const Address& daemon, const std::string& text) const;

  ClusterPlan plan_;
  std::map<std::string, Process> processes_;
  std::map<std::string, std::size_t> said_before_;  // bytes of a daemon's log at its start
};

/// Path of a program under test.
[[nodiscard]] std::string program(const std::string& name);

/// Answers `ping` with OK.
[[nodiscard]] bool serves(const Address& daemon);

}  // namespace flare::test
