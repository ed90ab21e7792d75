#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/cluster/node.h"
#include "common/net/blocking_pool.h"
#include "common/net/greeting.h"
#include "common/net/task.h"
#include "flared/replication/build_progress.h"
#include "flared/replication/primary.h"
#include "flared/storage/storage.h"

namespace flare {

class ReplicatedWrites;

enum class FollowState : std::uint8_t { idle, connecting, snapshot, streaming, in_sync };
std::string_view to_text(FollowState state);

struct FollowFigures {
  FollowState state = FollowState::idle;
  std::uint64_t snapshots_loaded = 0;  // since the start of the process
  std::uint64_t entries_applied = 0;
  std::uint64_t records_loaded = 0;  // of the snapshot in work or the last one
  std::uint64_t records_expected = 0;
  std::chrono::steady_clock::time_point build_began{};  // of that snapshot
  BuildProgress build() const { return {records_loaded, records_expected, build_began}; }
  std::uint64_t lag_entries = 0;  // behind the last word of the source
  bool original = false;          // the source is an original: replication.md 5
  std::uint64_t corrections = 0;  // returns by keys, since the start (replication.md 11)
  std::uint64_t lost_writes = 0;  // made here as master, unknown to the one who followed, and undone (likewise)
};

struct FollowerOptions {
  std::size_t data_bytes_max = 0;  // max-value-size; a larger value of the source is refused
  StreamTimes::Duration pause_min = std::chrono::milliseconds{100};  // between connections, doubled each time
  StreamTimes::Duration pause_max = std::chrono::seconds{2};
  StreamTimes::Duration original_pause = std::chrono::seconds{30};  // the master is an original (flare-1.x)
  StreamTimes times;
  Introduce introduce = nullptr;          // how to say hello to the source; null: not at all
  ReplicatedWrites* originals = nullptr;  // how an original master's writes come in; null: none is followed
};

class FollowerRun;
struct DumpPace;

/// The slave's side of replication (docs/replication.md 3, 4): keeps the store equal to its master's, over as many
/// connections as it takes, until stopped. One coroutine on the control thread; `storage` and `pool` must outlive the
/// control io_context. While it follows, nobody else may write to the store.
class Follower {
 public:
  struct Target {
    std::string host;
    int port = 0;
    PartitionId partition{0};
    int partitions = 1;
    NodeKey own_key;
    std::string bind_address;  // empty, or where connections come from
    Epoch epoch_known{0};  // highest epoch of the partition that a map or a promise has told; lower streams are refused
  };
  struct Callbacks {
    std::function<void()> confirmed;                    // the source says: caught up, the index knows; once per follow
    std::function<void(const std::string&)> failed;     // one sentence for the log; equal ones in a row come once
    std::function<void()> replaced = nullptr;           // a whole snapshot of the source was swapped in
    std::function<void(Sequence)> committed = nullptr;  // what the source says is committed, after each batch
    std::function<void(bool)> original = nullptr;       // the source is an original, which never says that; or no more
  };

  Follower(IoExecutor executor, Storage& storage, BlockingPool& pool, Callbacks callbacks, FollowerOptions options);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// Follows this target from now on, in place of any other.
  void follow(Target target);
  /// Closes the connection. A piece of work on the pool may still end: see `stopped`.
  void stop();
  /// Waits until nothing of the follower touches the store any more, after `stop`: before a node writes as a master.
  IoTask<> stopped();

  FollowFigures figures() const;
  /// Of the dumps of original masters, from the next one on.
  void set_pace(const DumpPace& pace);

 private:
  std::shared_ptr<FollowerRun> run_;
};

}  // namespace flare
