#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
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
  struct Target {
    std::string host;
    int port = 0;
    PartitionId partition{0};  // the new one
    int partitions = 1;        // counting it
    NodeKey own_key;
    std::string bind_address;
  };
  struct Callbacks {
    std::function<void()> gathered;                  // level with all sources, once per gather
    std::function<void(const std::string&)> failed;  // one sentence for the log; equal ones in a row come once
  };

  Importer(IoExecutor executor, Storage& storage, BlockingPool& pool, Callbacks callbacks, FollowerOptions options);
  ~Importer();
  Importer(const Importer&) = delete;
  Importer& operator=(const Importer&) = delete;

  /// Gathers from these, in place of any others, and keeps up with them until `stop`. A source that is lost before all
  /// was gathered lets everything begin anew from an emptied store: what was deleted meanwhile must not stay.
  void gather(std::vector<Target> sources);
  void stop();

 private:
  std::shared_ptr<ImporterRun> run_;
};

}  // namespace flare
