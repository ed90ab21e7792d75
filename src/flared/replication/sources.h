#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/log.h"
#include "common/cluster/node.h"
#include "common/net/blocking_pool.h"
#include "common/net/stream_socket.h"
#include "common/net/task.h"
#include "flared/replication/build_progress.h"
#include "flared/replication/primary.h"
#include "flared/storage/storage.h"

namespace flare {

enum class SourceState : std::uint8_t { snapshot, keys, stream };
std::string_view to_text(SourceState state);

/// One connected slave, for stats.
struct SourceFigures {
  NodeKey slave;
  std::string peer;  // address:port
  SourceState state = SourceState::stream;
  Sequence sent{0};
  Sequence acknowledged{0};
  std::uint64_t lag_entries = 0;
  std::uint64_t snapshots_served = 0;  // on this connection
  BuildProgress build;                 // while it gets a snapshot
  bool in_sync = false;                // confirmed to the index on this connection
  bool original = false;               // served by original_slaves.h
  std::uint64_t skipped = 0;           // entries that an original could not take
};

struct SourcesOptions {
  std::size_t slaves_max = 32;
  std::uint64_t bandwidth_kb_s = 0;       // reconstruction-bwlimit: of each snapshot; 0 = none
  std::chrono::microseconds interval{0};  // reconstruction-interval: pause for each record of a snapshot
  StreamTimes times;
};

struct SourceShared;

/// The master's side of replication (docs/replication.md 3, 4): serves each slave in a coroutine of its own. Lives on
/// the control thread; `storage` and `pool` must outlive the control io_context. Takes storage.on_log_written.
class Sources {
 public:
  struct Callbacks {
    /// Whether this node is the master of that partition now. Asked at the hello and with each PING.
    std::function<bool(PartitionId)> is_master;
    /// Tells the index that the slave has caught up (`node insync S P epoch 1`); false: not told, asked again later.
    std::function<IoTask<bool>(NodeKey slave, Epoch epoch)> confirm;
    /// An ACK of a slave that follows; not of an importer or a backup.
    std::function<void(const NodeKey& slave, Sequence acknowledged)> acknowledged = nullptr;
    /// A slave begins to load a snapshot: what it has now will be gone.
    std::function<void(const NodeKey& slave)> rebuilds = nullptr;
    std::function<void(const NodeKey& slave)> gone = nullptr;
    /// Up to where everybody who may be promoted has the log (replication.md 9). Null: not told.
    std::function<Sequence()> committed = nullptr;
    /// The epoch of this node's reign, which begins before its first entry. Null: that of the last entry.
    std::function<Epoch()> epoch = nullptr;
    /// A key's partition among `partitions`, for `repl import`; no_partition while the own map knows of no so many, the
    /// preparing one counted: an import is refused until it does. Called on the control thread. Null: always refused.
    std::function<PartitionId(std::string_view key, int partitions)> future_partition = nullptr;
    /// A key's partition among so many, whatever the map says: of an import only keys go out that are this node's
    /// before the split, and no remains of an earlier one (replication.md 7). Null: all keys.
    std::function<std::function<PartitionId(std::string_view key)>(int partitions)> partitioning = nullptr;
    /// The first line of a snapshot file of this node, CRLF included, for `repl backup`. Null: always refused.
    std::function<std::string()> backup_head = nullptr;
    /// After each write of the log, on its thread: must be quick. Null: nobody else wants to know.
    std::function<void()> log_written = nullptr;
  };

  Sources(IoExecutor executor, Storage& storage, BlockingPool& pool, Log& log, Callbacks callbacks,
          SourcesOptions options);
  ~Sources();
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;

  /// Takes over a connection whose last request was `line` (`repl hello ...`, without line end). The socket must be of
  /// the control executor; `unread` is what came after the line. Answers refusals itself.
  void adopt(StreamSocket socket, std::string unread, std::string line, std::string peer);
  /// Closes all, at a change of role and at the end. Their coroutines end by themselves on the control thread.
  void stop_all();
  /// Closes those whose peer is refused by changed lists; they may not come in again.
  void close_if(const std::function<bool(const std::string& peer)>& refused);
  /// Tells all importers now up to where they have been sent what is theirs.
  void ping_importers();
  /// Tells all slaves soon what is committed now, because their clients' reads wait for it.
  void tell_committed();
  /// From the next piece of a snapshot on.
  void set_pace(std::uint64_t bandwidth_kb_s, std::chrono::microseconds interval);

  /// Whether that node is connected.
  bool serves(const NodeKey& slave) const;
  std::vector<SourceFigures> figures() const;
  std::uint64_t snapshots_served() const;  // since the start, finished ones

 private:
  std::shared_ptr<SourceShared> shared_;
};

}  // namespace flare
