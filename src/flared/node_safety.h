#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "flared/snapshot/salvage_notice.h"
#include "flared/snapshot/snapshot_keeper.h"
#include "flared/storage/storage.h"
#include "flared/storage/storage_options.h"

namespace flare {

/// What a node does so that a stop of its machine costs no more than `durability` says (docs/design.md 3.6): the
/// rebuild at the start, local snapshots, and the word about what could not be proven. Made before the storage; `stop`
/// before the storage closes. From `watch` on all but `backup_head` is for the control thread.
class NodeSafety {
 public:
  NodeSafety(StorageOptions options, snapshot::Head head, Log& log, const Clock& clock);

  /// Before the storage is opened: a store that is not to be trusted is rebuilt. The error is a sentence.
  Result<void, std::string> prepare();
  /// Takes the first local snapshot if there is none yet, and keeps them from here on. The error is a sentence.
  Result<void, std::string> watch(Storage& storage);
  void moved_to(PartitionId partition, int partitions);
  /// The store is another node's from here on: nothing doubtful is left.
  void store_replaced();
  void stop();

  std::string backup_head() const;

  /// `stats durability`
  std::string stats(const Storage& storage) const;
  /// Lines of the general `stats`; empty while there is nothing to acknowledge.
  std::string alarms() const;
  /// Whether the store holds what a salvage could not prove, and nobody has acknowledged that.
  bool doubtful() const { return noticed_; }
  /// The answer to `salvage acknowledge`, CRLF included.
  std::string acknowledge(const std::string& peer);

 private:
  snapshot::Head head() const;
  std::optional<snapshot::SalvageNotice> notice() const;
  bool forget_notice();

  const StorageOptions options_;
  Log& log_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  snapshot::Head head_;
  bool noticed_ = false;                      // else no file is looked for
  std::unique_ptr<snapshot::Keeper> keeper_;  // null: durability = process
};

}  // namespace flare
