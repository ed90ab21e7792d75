#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/cluster/node.h"
#include "common/net/blocking_pool.h"
#include "common/net/task.h"
#include "flared/replication/follower.h"
#include "flared/storage/storage.h"

namespace flare {

class ImporterRun;

/// A new partition's master gathers the keys that will be its own from the masters of all other partitions at once:
/// snapshot, then stream (docs/spec/cluster.md 6.2, docs/replication.md 7). They become entries of its own log, under
/// its own numbers, so that its slaves are complete whenever they are added. On the control thread; `storage` and
/// `pool` must outlive the control io_context.
class Importer {
 public:
  /// The partition of a key among those that were before the new one. Any thread.
  using FormerPartition = std::function<PartitionId(std::string_view key)>;

  struct Target {
    std::string host;
    int port = 0;
    PartitionId partition{0};  // the new one
    int partitions = 1;        // counting it
    NodeKey own_key;
    std::string bind_address;
    PartitionId from{0};  // the source's
  };
  struct Callbacks {
    std::function<void()> gathered;                  // level with all sources, once per gather
    std::function<void(const std::string&)> failed;  // one sentence for the log; equal ones in a row come once
    std::function<Epoch()> epoch = nullptr;          // of the entries that are written here; null: that of the last one
  };

  Importer(IoExecutor executor, Storage& storage, BlockingPool& pool, Callbacks callbacks, FollowerOptions options);
  ~Importer();
  Importer(const Importer&) = delete;
  Importer& operator=(const Importer&) = delete;

  /// Gathers from these and keeps up with them until `stop`. While it gathers already: from these in place of the
  /// former ones, where a source of the same partition goes on from where its predecessor had come. A connection that
  /// is lost resumes by position; where the source cannot, its keys are read anew, and what is not among them goes.
  void gather(std::vector<Target> sources, FormerPartition former);
  /// The new partition is active: asks all sources to hand over, and waits until their streams have come as far as they
  /// say, at most `patience`. True: this node has all there is; else `failed` has told which source is missing.
  IoTask<bool> take_over(std::chrono::steady_clock::duration patience);
  void stop();
  /// Of the dumps of masters that are originals, from the next one on.
  void set_pace(const DumpPace& pace);

 private:
  std::shared_ptr<ImporterRun> run_;
};

}  // namespace flare
