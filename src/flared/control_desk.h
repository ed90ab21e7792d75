#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/blocking_pool.h"
#include "flared/cluster_flush.h"
#include "flared/cluster_replicator.h"
#include "flared/control.h"
#include "flared/expiry_sweep.h"
#include "flared/node_agent.h"
#include "flared/node_safety.h"
#include "flared/options.h"
#include "flared/stats.h"
#include "flared/time_watcher.h"
#include "flared/worker.h"

namespace flare {

/// Takes what sessions ask to the control thread, and answers it there (control.h). Made before the workers, told of
/// them and of the agent before any session exists; outlives the workers.
class ControlDesk final : public Control {
 public:
  ControlDesk(IoExecutor executor, Storage& storage, BlockingPool& pool, const Clock& clock, Log& log,
              ExpirySweep::Rhythm sweeping);

  void attach(std::vector<std::unique_ptr<Worker>>& workers, NodeAgent& agent);
  /// What `meta` told, for the partition filter of dumps.
  void learn_partitioning(const PartitionMeta& meta, KeyHashAlgorithm algorithm);
  /// How this node introduces itself to the masters that it asks to flush.
  void pass_flushes_on(ClusterFlush::Setup setup) { passing_on_.emplace(std::move(setup)); }
  void keep_account_of(const DoorKeeper& keeper) { keeper_ = &keeper; }
  void tell_safety_of(NodeSafety& safety) { safety_ = &safety; }
  void tell_of_slow_accesses(const TimeWatcher& watcher) { time_watcher_ = &watcher; }
  void tell_of_clusters(const ClusterReplicator& clusters) { clusters_ = &clusters; }
  /// The options in force, for `show variables` and `stats settings`.
  void show(const FlaredOptions& options);

  void install_map(std::string lines, std::uint64_t version, Reply reply) override;
  void flush_all(std::int64_t exptime, bool proxied, Reply reply) override;
  void position(std::string words, Reply reply) override;
  void adopt_stream(LooseSocket socket, std::string unread, std::string words, std::string peer) override;
  std::shared_ptr<Dump> begin_dump(const Request& request) override;
  void stats(std::string words, Reply reply) override;
  std::string_view ailment() override;
  /// Whether an index that takes this node for its former process has to see it down first.
  void is_kept_out(bool kept_out) { kept_out_.store(kept_out, std::memory_order_relaxed); }
  void kill(std::int32_t id, Reply reply) override;
  void variables(Reply reply) override;
  void acknowledge_salvage(std::string peer, Reply reply) override;
  void reclaim(std::function<void(bool made_room)> done) override;
  ExpirySweep& sweep() { return sweep_; }

 private:
  void flush_masters(std::int64_t exptime, Reply reply);
  void flush_own(std::int64_t exptime, Reply reply);
  IoTask<> flush_at(std::int64_t due_s);
  IoTask<> flush(Reply reply);
  IoTask<> answer_position(std::string words, Reply reply);
  std::string stats_text(std::string_view words);
  ReplicationFigures replication_figures();
  std::string general();
  std::string quota();
  void reset_stats();
  void thread_list(std::function<std::string(const std::vector<ThreadRow>&)> text, Reply reply);
  std::vector<const Counters*> counters() const;

  IoExecutor executor_;
  Storage& storage_;
  BlockingPool& pool_;
  const Clock& clock_;
  Log& log_;
  std::vector<std::unique_ptr<Worker>>* workers_ = nullptr;
  NodeAgent* agent_ = nullptr;
  const DoorKeeper* keeper_ = nullptr;
  std::optional<ClusterFlush::Setup> passing_on_;
  ProxyFlushAll proxy_flush_all_ = ProxyFlushAll::own;
  Timer flush_timer_;
  std::uint64_t flush_round_ = 0;  // raised with each flush_all: a pending one of an older round is void
  NodeSafety* safety_ = nullptr;
  const ClusterReplicator* clusters_ = nullptr;
  const TimeWatcher* time_watcher_ = nullptr;
  std::atomic<bool> kept_out_{false};
  std::string variables_;  // answers, whole
  std::string settings_;
  Counters at_reset_;  // what the workers had counted at the last `stats reset`
  /// What is not a worker's to count.
  struct OtherCounts {
    std::uint64_t flushes = 0;
    std::uint64_t refused_connections = 0;
    std::uint64_t reclaimed = 0;
  };
  OtherCounts other_counts() const;
  OtherCounts others_at_reset_;
  std::uint64_t flushes_ = 0;
  std::int64_t started_s_;
  ExpirySweep sweep_;
  std::mutex partitioning_mutex_;  // begin_dump comes from workers; rare
  PartitionMeta meta_;
  KeyHashAlgorithm key_hash_ = KeyHashAlgorithm::simple;
};

}  // namespace flare
