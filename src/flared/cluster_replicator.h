#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/blocking_pool.h"
#include "flared/cluster_plan.h"
#include "flared/replication/cluster_sender.h"

namespace flare {

/// Cluster replication of this node (docs/spec/cluster.md 7): keeps a sender while the options ask for mode duplicate
/// and this node is an active master, and gives the routes of mode forward. On the control thread, but for
/// `log_written`.
class ClusterReplicator {
 public:
  struct Setup {
    IoExecutor executor;
    Storage& storage;
    BlockingPool& pool;
    Log& log;
    const Clock& clock;
    NodeKey own;
    std::string bind_address;
    std::filesystem::path data_dir;
    CopiedTouches& copied_touches;
  };

  explicit ClusterReplicator(Setup setup);
  ~ClusterReplicator() { stop(); }
  ClusterReplicator(const ClusterReplicator&) = delete;
  ClusterReplicator& operator=(const ClusterReplicator&) = delete;

  /// The options in force and the map of this node; whether it numbers entries as an active master.
  void apply(const FlaredOptions& options, const NodeMap& map);
  void lead(bool leads);
  /// What workers route by: `view` itself, except in mode forward.
  std::shared_ptr<const RoutingView> routes(std::shared_ptr<const RoutingView> view) const;
  /// After each write of the log, on any thread.
  void log_written();

  void stop();
  /// Until the last sender has ended, and its position is stored.
  IoTask<> stopped();

  /// STAT lines; none while the option is off.
  std::string stats() const;

 private:
  void renew();
  ClusterSender::Setup sender_setup() const;

  Setup setup_;
  ClusterPlan plan_;
  int connections_ = 1;
  std::uint64_t pass_kb_s_ = 0;
  bool leads_ = false;
  bool stopping_ = false;
  std::shared_ptr<ClusterSender> sender_;
  std::shared_ptr<ClusterSender> former_;  // it may still store its position
  struct Wake {
    std::atomic<bool> wanted{false};
    std::atomic<bool> posted{false};
    std::weak_ptr<ClusterSender> sender;  // on the control thread
  };
  std::shared_ptr<Wake> wake_ = std::make_shared<Wake>();
};

}  // namespace flare
