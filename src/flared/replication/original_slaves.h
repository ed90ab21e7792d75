#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/log.h"
#include "common/cluster/node.h"
#include "common/net/blocking_pool.h"
#include "common/net/greeting.h"
#include "common/net/task.h"
#include "flared/replication/dump_starts.h"
#include "flared/replication/primary.h"
#include "flared/replication/sources.h"
#include "flared/storage/storage.h"

namespace flare {

class OriginalSlave;

struct OriginalSlavesOptions {
  StreamTimes times;
  StreamTimes::Duration answer_max = std::chrono::seconds{10};  // a batch's; then the connection is closed
  StreamTimes::Duration look_again = std::chrono::seconds{30};  // whether a node of ours has become an original
  StreamTimes::Duration pause_min = std::chrono::milliseconds{100};
  StreamTimes::Duration pause_max = std::chrono::seconds{2};
  std::string bind_address;
  Introduce introduce = nullptr;
};

struct OriginalSlavesShared;

/// The master's side towards slaves that are originals (docs/replication.md 5): writes of the log, in their order, as
/// prefixed requests, on one connection for each. Which nodes are originals shows their answer to `version`; the others
/// come by themselves (sources.h). On the control thread.
class OriginalSlaves {
 public:
  struct Target {
    NodeKey key;
    std::string host;
    int port = 0;
    bool building = false;  // it has still to read our dump
    /// Which keys it is to have, for an original that takes over a part of this partition; null: all.
    std::function<bool(std::string_view key)> wanted = nullptr;
  };
  struct Callbacks {
    /// A daemon of ours that is served already.
    std::function<bool(const NodeKey&)> is_served;
    /// Tells the index that this slave is none any more: the log does not reach back to what it lacks.
    std::function<IoTask<bool>(NodeKey slave)> dismiss;
    /// It has answered all up to there, or lives and has nothing more to answer. `active`: its own build is over. Null:
    /// nobody waits for it.
    std::function<void(const NodeKey& slave, Sequence acknowledged, bool active)> acknowledged = nullptr;
  };

  OriginalSlaves(IoExecutor executor, Storage& storage, BlockingPool& pool, Log& log, NodeKey own, Callbacks callbacks,
                 OriginalSlavesOptions options);
  ~OriginalSlaves();
  OriginalSlaves(const OriginalSlaves&) = delete;
  OriginalSlaves& operator=(const OriginalSlaves&) = delete;

  /// These and no others, from now on.
  void serve(std::vector<Target> targets);
  /// At the end: closes all at once.
  void stop_all();
  /// Whether former slaves are still being sent what was acknowledged before they ceased to be.
  bool are_finishing() const;
  /// After each write of the log, on any thread.
  void log_written();
  /// Where dumps began: to be told by whoever serves them.
  DumpStarts& dump_starts();

  /// Those that have shown themselves as originals.
  std::vector<SourceFigures> figures() const;

 private:
  std::shared_ptr<OriginalSlavesShared> shared_;
};

}  // namespace flare
