#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/log.h"
#include "common/cluster/node_map.h"
#include "common/net/blocking_pool.h"
#include "common/net/own_identity.h"
#include "common/net/stream_socket.h"
#include "common/net/task.h"
#include "flared/departure.h"
#include "flared/index_link.h"
#include "flared/replication/commit_gate.h"
#include "flared/replication/follower.h"
#include "flared/replication/importer.h"
#include "flared/replication/in_sync_keeper.h"
#include "flared/replication/original_slaves.h"
#include "flared/replication/promise.h"
#include "flared/replication/replicated_writes.h"
#include "flared/replication/sources.h"
#include "flared/replication_plan.h"
#include "flared/routing.h"
#include "flared/storage/storage.h"

namespace flare {

/// To the index, while this node could only serve what a salvage has left (docs/replication.md 4).
constexpr std::string_view build_incomplete_answer = "SERVER_ERROR build incomplete\r\n";
/// To the index, while it has not answered `node add` yet.
constexpr std::string_view not_joined_answer = "SERVER_ERROR not joined yet\r\n";

/// This node's place in the cluster: holds the map, publishes the routes, and does what the map asks of this node
/// (docs/spec/cluster.md 1.7, 3.1; docs/replication.md 3, 4). Everything runs on the control thread.
class NodeAgent {
 public:
  struct Setup {
    std::string server_name;
    int port = 0;
    std::string bind_address;
    std::size_t data_bytes_max = 0;
    int prior_netmask = 0;                          // proxy-prior-netmask
    OwnIdentity* identity = nullptr;                // null: none is told or asked
    std::function<std::string()> backup_head = {};  // the first line of a snapshot file of this node
    std::function<void()> log_written = {};         // any thread; quick
    // Calls back on the control thread when all workers have taken what was published before. Null: at once.
    std::function<void(std::function<void()>)> settle = {};
    CommitGate* gate = nullptr;                 // moved by this node's role; outlives the agent
    std::string promise_path{};                 // where a promise to the index is kept; empty: nowhere
    std::string taken_over_path{};              // where it is kept that the partition has had another master
    bool doubtful = false;                      // the store was salvaged: no slave may serve it
    std::function<void()> store_replaced = {};  // by a snapshot of the master
  };
  using Publish = std::function<void(std::shared_ptr<const RoutingView>)>;

  NodeAgent(IoExecutor executor, Setup setup, Storage& storage, BlockingPool& pool, IndexLink& index, Log& log,
            Publish publish);
  NodeAgent(const NodeAgent&) = delete;
  NodeAgent& operator=(const NodeAgent&) = delete;

  /// What the index told at the start; version 0, so that the first `node sync` wins.
  void joined(IndexLink::Joined joined);
  /// The copy of what an index told once: it keeps its version.
  void resumed(IndexLink::Joined joined);
  /// A `node sync`: its NODE lines and version. The answer line with CRLF (cluster.md 3.1).
  std::string take_map(std::string_view lines, MapVersion version);
  /// A slave asks for the stream.
  void adopt_stream(LooseSocket loose, std::string unread, std::string line, std::string peer);
  /// Ends the streams of slaves whose address (as logs name it) is refused now.
  void close_streams(const std::function<bool(const std::string& peer)>& refused) { sources_.close_if(refused); }
  /// Whether this node is a master that numbers entries.
  bool is_leading() const { return leading_; }
  std::optional<Node> own_entry() const;
  /// How often the index probes this node, by its last map.
  std::optional<std::chrono::milliseconds> probe_interval() const { return probe_interval_; }
  /// Whether this node is shown as active with a store that its master has not confirmed: a salvaged one, or one in
  /// work (docs/replication.md 4). Any thread.
  bool build_incomplete() const { return build_incomplete_.load(std::memory_order_relaxed); }
  /// Why `flush_all` is refused now (docs/design.md 3.7), CRLF included; empty: it may go on.
  std::string flush_refusal() const;
  /// The answer to `position <words>`, CRLF included (docs/replication.md 10).
  IoTask<std::string> position(std::string words);
  /// replication-type, min-sync-replicas, sync-timeout, max-lag.
  void set_in_sync(const InSyncOptions& options) { keeper_.set_options(options); }
  /// Whom this node waits for while it leads. The relay of an original slave tells it what that one has.
  InSyncKeeper& in_sync_keeper() { return keeper_; }
  /// Waits a little until the slaves have what this node acknowledged, tells the index that it leaves, ends all
  /// streams.
  IoTask<> leave();

  /// reconstruction-bwlimit and -interval, for the slaves that this node serves.
  void set_pace(int bandwidth_kb_s, std::chrono::microseconds interval);

  const std::shared_ptr<const RoutingView>& view() const { return view_; }
  const Follower& follower() const { return follower_; }
  const Sources& sources() const { return sources_; }
  std::vector<SourceFigures> original_slaves() const { return original_slaves_.figures(); }
  /// How an original master's writes come in, for the workers.
  ReplicatedWrites& replicated_writes() { return replicated_writes_; }
  DumpStarts& dump_starts() { return original_slaves_.dump_starts(); }
  const NodeKey& own_key() const { return own_key_; }

 private:
  // node_agent_map.cc
  void install(NodeMap map);
  void ask_for_cluster_id(std::string_view lines);
  IoTask<> learn_cluster_id();
  void note_build(const std::optional<Node>& before, const std::optional<Node>& now);
  bool is_unbuilt(const Node& own) const;
  // node_agent_duty.cc
  void carry_out(const ReplicationPlan& plan);
  IoTask<> leave_former_role(std::uint64_t round);
  IoTask<> lead(std::uint64_t round);
  bool leads_or_will() const;
  void serve_originals();
  // node_agent_split.cc
  void start_import();
  void gather(const std::vector<Node>& sources);
  void begin_takeover();
  IoTask<> end_import(std::uint64_t round);
  void mark_split(RoutingView& view) const;
  void mark_split_anew();
  std::function<PartitionId(std::string_view)> partitioning(int partitions) const;
  IoTask<> hand_over(StreamSocket socket, std::string line, std::string peer);
  IoTask<std::string> grant_handover(std::string line, std::string peer);
  IoTask<bool> workers_settled();
  // node_agent_position.cc
  void recall_promise();
  IoTask<> settle_versions(Epoch epoch);
  std::string position_refusal(PartitionId partition) const;
  Result<Position, StorageError> written_position();
  IoTask<std::string> promise(Promise::Given asked);
  void follow_master();
  IoTask<> follow_later();
  IoTask<std::string> hold_writes();
  bool begin_hold();
  IoTask<> release_writes();
  // node_agent_reports.cc
  void in_sync();
  void build_confirmed();
  void gathered();
  IoTask<> tell_index(std::uint64_t round, std::string state);
  IoTask<bool> confirm_slave(NodeKey slave);
  IoTask<InSyncSet::Outcome> tell_in_sync(InSyncSet::Report report);
  IoTask<bool> dismiss_slave(NodeKey slave);
  bool slaves_have_all() const;

  Epoch told_epoch() const;
  void tell_committed();

  static constexpr std::chrono::seconds tell_deadline{2};  // of one word to the index

  IoExecutor executor_;
  Setup setup_;
  NodeKey own_key_;
  Storage& storage_;
  BlockingPool& pool_;
  IndexLink& index_;
  Log& log_;
  Publish publish_;
  PartitionMeta meta_;
  KeyHashAlgorithm key_hash_ = KeyHashAlgorithm::simple;
  std::shared_ptr<const RoutingView> view_;
  ReplicationPlan plan_;
  std::uint64_t round_ = 0;  // raised with each new plan: a coroutine of an older one ends
  bool leading_ = false;     // the epoch of this reign is stored: entries may be numbered
  Epoch reign_{0};           // of this node's entries while it leads
  bool leaving_ = false;
  Departure departure_;
  bool releasing_ = false;              // a coroutine waits for the end of departure_
  bool workers_act_anew_ = true;        // no worker executes by this node's former role any more
  bool taking_over_ = false;            // of a new partition's keys (replication.md 7)
  std::optional<Node> handed_over_to_;  // the master of the preparing partition
  bool joined_ = false;
  std::optional<std::chrono::milliseconds> probe_interval_;
  bool doubtful_;          // the store is still the salvaged one, or its successor is not confirmed yet
  bool building_ = false;  // told to build itself as a slave, and its master has not confirmed that it has
  std::atomic<bool> build_incomplete_ = false;
  bool learning_ = false;  // the index is being asked for the cluster id
  std::optional<std::chrono::steady_clock::time_point>
      was_down_at_;  // when a map last showed this node down, or it came back
  Promise promise_;
  bool took_over_ = false;        // the partition of plan_ has had another master before
  bool following_later_ = false;  // a coroutine waits for the promise to lapse
  CommitGate own_gate_;           // where nobody gave one
  CommitGate& gate_;
  InSyncKeeper keeper_;
  ReplicatedWrites replicated_writes_;
  OriginalSlaves original_slaves_;
  Follower follower_;
  Importer importer_;
  Sources sources_;
};

}  // namespace flare
