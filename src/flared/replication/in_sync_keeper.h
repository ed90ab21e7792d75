#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/log.h"
#include "common/net/task.h"
#include "flared/replication/commit_gate.h"
#include "flared/replication/in_sync_set.h"
#include "flared/storage/storage.h"

namespace flare {

/// Keeps a leading node's InSyncSet: feeds it, tells the index what it asks to tell, and moves the commit gate. On the
/// control thread; an idle master without slaves costs it nothing. Must outlive the control io_context's run.
class InSyncKeeper {
 public:
  using Outcome = InSyncSet::Outcome;
  using Clock = std::chrono::steady_clock;
  struct Callbacks {
    /// `node insync` at the index, with a deadline of its own.
    std::function<IoTask<Outcome>(InSyncSet::Report)> tell;
    /// More is committed, and somebody may read by it at a slave.
    std::function<void()> committed_more;
  };

  InSyncKeeper(IoExecutor executor, NodeKey own, Storage& storage, CommitGate& gate, Log& log, Callbacks callbacks);
  ~InSyncKeeper();
  InSyncKeeper(const InSyncKeeper&) = delete;
  InSyncKeeper& operator=(const InSyncKeeper&) = delete;

  void set_options(const InSyncOptions& options);
  /// A reign begins: before the first write of it.
  void lead(const InSyncSet::Members& members);
  void on_map(const InSyncSet::Members& members);
  /// This node leads no more. A slave's gate is moved by its stream.
  void stop();
  bool leads() const { return leads_; }

  void on_ack(const NodeKey& slave, Sequence acknowledged);
  /// Of an original: it sends no word of having caught up, so an active one is in sync again as soon as it is level.
  void on_original_ack(const NodeKey& slave, Sequence acknowledged, bool active);
  void on_rebuild(const NodeKey& slave);
  void on_gone(const NodeKey& slave);
  /// The slave has caught up: waited for, then told to the index. False: the index could not be told in time; asked
  /// again later.
  IoTask<bool> join(NodeKey slave);

  Sequence committed() const { return gate_.committed(); }
  bool is_alone() const { return gate_.alone(); }
  const InSyncSet& set() const { return set_; }

 private:
  void look();
  void tell_what_is_due();
  void settle();
  void begin_to_wait();
  bool has_to_watch() const;
  void begin_watching();
  IoTask<> watch();
  IoTask<> report(InSyncSet::Report report, std::uint64_t round);

  IoExecutor executor_;
  Storage& storage_;
  CommitGate& gate_;
  Log& log_;
  Callbacks callbacks_;
  InSyncOptions options_;
  InSyncSet set_;
  bool leads_ = false;
  std::uint64_t round_ = 0;  // raised with each reign: coroutines of an older one end
  bool watching_ = false;
  Timer look_timer_;
  Timer changed_;  // never runs out; cancelled when the set has changed
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace flare
