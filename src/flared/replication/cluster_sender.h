#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/blocking_pool.h"
#include "flared/replication/cluster_lane.h"
#include "flared/replication/cluster_position.h"
#include "flared/replication/copied_touches.h"
#include "flared/storage/storage.h"

namespace flare {

enum class ClusterState : std::uint8_t { connecting, full_pass, stream };
std::string_view to_text(ClusterState state);

struct ClusterFigures {
  ClusterState state = ClusterState::connecting;
  Position position;               // up to there the other cluster has the log
  std::uint64_t lag_entries = 0;   // written here and not yet there; of no meaning during a pass
  std::uint64_t taken = 0;         // requests that were answered, since this node sends
  std::uint64_t left_out = 0;      // entries that cannot be told or are too large there
  std::uint64_t full_passes = 0;   // begun
  std::uint64_t pass_records = 0;  // of the present or last one
  std::uint64_t pass_expected = 0;
  std::string error;  // of the last attempt; empty while it works
};

/// Sends this master's log to a node of another cluster, in the forms of an original (docs/spec/cluster.md 7, docs/
/// operations.md): read from the log, so memory stays bounded however far behind the other side is; where the log does
/// not reach back, first the whole store. Entries of one key keep their order; a version that is not newer is refused
/// there, so sending twice does no harm. On the control thread.
class ClusterSender {
 public:
  using Duration = std::chrono::steady_clock::duration;
  struct Setup {
    IoExecutor executor;
    Storage& storage;
    BlockingPool& pool;
    Log& log;
    const Clock& clock;
    std::string own_name;
    std::string bind_address;
    CopiedTouches& copied_touches;
    ClusterPositionFile file;
    ClusterTarget target;
    int connections = 1;
    std::uint64_t pass_kb_s = 0;  // reconstruction-bwlimit: of a full pass; 0: no limit
    Duration answer_max = std::chrono::seconds{10};
    Duration pause_min = std::chrono::milliseconds{100};
    Duration pause_max = std::chrono::seconds{5};
    Duration save_each = std::chrono::seconds{1};
    Duration scan_kept_max = std::chrono::seconds{60};  // over a lost connection: it keeps the log from shrinking
  };

  explicit ClusterSender(Setup setup);

  /// The whole life, until `close`; `self` keeps it alive until then.
  IoTask<> run(std::shared_ptr<ClusterSender> self);
  void wake() { wake_.cancel(); }
  void close();
  bool ended() const { return ended_; }
  void set_pass_kb_s(std::uint64_t pass_kb_s) { setup_.pass_kb_s = pass_kb_s; }

  ClusterFigures figures() const;

 private:
  // Each answers with the reason why the connections end; empty: they need not.
  IoTask<std::string> attempt();
  IoTask<std::string> connect();
  IoTask<std::string> work();
  IoTask<std::string> deliver();
  IoTask<std::string> gather();
  IoTask<std::string> gather_log();
  IoTask<std::string> begin_pass(std::string_view why);
  IoTask<std::string> gather_pass();
  void choose_start();
  void add(const LogEntry& entry);
  IoTask<bool> came_from_there(LogEntry entry);
  void arrived();
  void discard();
  std::size_t waiting_bytes() const;
  ClusterLane& lane_of(std::string_view key);
  IoTask<> save();
  IoTask<> wait(Duration at_most);
  IoTask<> pause(Duration at_most);
  void report(const std::string& reason);
  void close_lanes();

  struct Pass;

  Setup setup_;
  std::vector<std::shared_ptr<ClusterLane>> lanes_;
  PeerKind kind_ = PeerKind::unknown;                    // what the waiting requests were written for
  std::optional<std::vector<std::string>> other_nodes_;  // by their keys, as this connection was told; empty: it is not
  Position position_;
  Position batch_end_;  // where position_ will be when the lanes are empty
  bool needs_pass_ = false;
  std::shared_ptr<Pass> pass_;
  Position saved_;
  std::chrono::steady_clock::time_point saved_at_{};
  std::chrono::steady_clock::time_point connected_until_{};
  bool closed_ = false;
  bool ended_ = false;
  bool progressed_ = false;
  bool connected_ = false;
  std::uint64_t left_out_ = 0;
  std::uint64_t full_passes_ = 0;
  std::uint64_t pass_records_ = 0;
  std::uint64_t pass_expected_ = 0;
  std::string chunk_;
  std::string error_;
  Timer wake_;
};

}  // namespace flare
