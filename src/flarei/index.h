#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/cluster_identity.h"
#include "common/base/log.h"
#include "common/cluster/node_map.h"
#include "flarei/map_store.h"
#include "flarei/role_change.h"

namespace flare {

/// Is told of each new map, after it is stored.
class MapPublisher {
 public:
  virtual ~MapPublisher() = default;
  /// `leaving`: a node that says goodbye and needs no map (docs/spec/cluster.md 4.3).
  virtual void publish(const NodeMap& before, const std::optional<NodeKey>& leaving) = 0;
};

/// Owns the node map, on the one I/O thread: decides by the pure rules, stores, logs, publishes. A map that cannot be
/// stored does not come into force.
class Index {
 public:
  Index(NodeMap map, int partitions_max, MapStore& store, Log& log);

  /// Before the first change; the publisher lives as long as the index is used.
  void publish_to(MapPublisher& publisher) { publisher_ = &publisher; }

  const NodeMap& map() const { return map_; }
  bool is_down(const NodeKey& key) const;
  /// What `node sync` sends (cluster.md 3.1), made once for each version; to nodes of ours with words that say whose
  /// map it is, which originals do not get (docs/design.md 5).
  enum class SyncFor { originals, ours };
  std::shared_ptr<const std::string> sync_request(SyncFor receiver = SyncFor::originals);
  void belong_to(const ClusterIdentity& identity);
  /// False: the nodes have been told so already.
  bool probe_each(std::chrono::milliseconds interval);
  /// Refuses every change as long as it is not known whose nodes these are (docs/design.md 4).
  void set_read_only(bool read_only) { read_only_ = read_only; }
  /// The map was lost, not new: nothing is changed until one is adopted.
  void await_adoption() { map_lost_ = true; }
  bool is_map_lost() const { return map_lost_; }
  /// There is no map that an adopted one would replace.
  bool may_adopt() const { return map_lost_ || map_.nodes.empty(); }

  using Answer = Result<void, Refusal>;
  Answer add(std::string_view server_name, int port);
  /// `successor`: of a master, as `node_down` takes it.
  Answer restart(const NodeKey& key, const std::optional<NodeKey>& successor = std::nullopt);
  Answer change_role(const RoleRequest& request);
  Answer mark_down(const NodeKey& key, std::string_view cause, const std::optional<NodeKey>& successor = std::nullopt);
  Answer shutdown(const NodeKey& key, const std::optional<NodeKey>& successor = std::nullopt);
  /// `trusted`: an original says so, or a probe of a down node; a slave of ours needs its master's confirmation.
  Answer mark_up(const NodeKey& key, bool trusted, std::string_view cause);
  Answer mark_ready(const NodeKey& key);
  Answer remove(const NodeKey& key);
  /// In place of a lost map: a map with a version, or the empty one.
  Answer adopt(NodeMap map);
  /// Says in the log why nothing is done.
  Refusal refuse(Refusal refusal, const NodeKey& key, std::string_view cause);
  /// `node insync` of a slave, by its master.
  Answer set_in_sync(const NodeKey& key, Epoch epoch, bool in_sync);

 private:
  Answer enact(Decision decision, const NodeKey& key, std::string_view cause,
               const std::optional<NodeKey>& leaving = std::nullopt);

  NodeMap map_;
  int partitions_max_;
  MapStore& store_;
  Log& log_;
  MapPublisher* publisher_ = nullptr;
  std::shared_ptr<const std::string> sync_request_;  // of map_; null: not made yet
  std::shared_ptr<const std::string> sync_request_for_ours_;
  std::string line_words_;  // behind each NODE line for nodes of ours
  std::string probe_word_;  // likewise
  bool read_only_ = false;
  bool map_lost_ = false;
};

}  // namespace flare
