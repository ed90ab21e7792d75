#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/net/client.h"
#include "flared/replication/original_slaves.h"

namespace flare {

/// What the sessions of one OriginalSlaves share. Held by each of their coroutines.
struct OriginalSlavesShared {
  IoExecutor executor;
  Storage& storage;
  BlockingPool& pool;
  Log& log;
  NodeKey own;
  OriginalSlaves::Callbacks callbacks;
  OriginalSlavesOptions options;
  DumpStarts dump_starts{};
  std::vector<std::shared_ptr<OriginalSlave>> sessions{};
  std::vector<std::weak_ptr<OriginalSlave>> finishing{};

  std::atomic<bool> has_sessions{false};  // read by workers
  std::atomic<bool> wake_posted{false};
};

/// One slave of this master that may be an original. Keeps its place in the log over connections.
class OriginalSlave {
 public:
  OriginalSlave(std::shared_ptr<OriginalSlavesShared> shared, OriginalSlaves::Target target);

  /// The whole life; `self` keeps it alive until then.
  IoTask<> run(std::shared_ptr<OriginalSlave> self);
  void wake() { wake_.cancel(); }
  void close();
  /// This node is its master no more. What was acknowledged a moment ago still goes to it, for a moment: an operator's
  /// switch-over loses nothing. Not from a node that was cut off: then it closes at once.
  void finish();
  /// The map has changed.
  void update(OriginalSlaves::Target target);

  const NodeKey& key() const { return target_.key; }
  bool is_original() const { return original_; }
  SourceFigures figures() const;

 private:
  struct Batch {
    std::string bytes;
    std::vector<Sequence> answers;  // for each request: up to where the log is done when it is answered
    Sequence last{0};
  };

  // Each answers with the reason why the connection ends.
  IoTask<std::string> attempt();
  IoTask<std::string> greet(PeerClient& client);
  IoTask<std::string> replicate(PeerClient& client);
  IoTask<std::string> send_deletions(PeerClient& client);
  IoTask<std::string> exchange(PeerClient& client, const Batch& batch);
  IoTask<std::string> ask_for_life(PeerClient& client);
  void tell_acknowledged();
  std::string gather(Batch& batch);
  void add(Batch& batch, const LogEntry& entry);
  std::string judge(std::string_view answer, Sequence done);
  IoTask<std::string> dismiss();
  IoTask<> wait(StreamTimes::Duration at_most);
  void choose_start();
  void report(const std::string& reason);
  void end_if_finished(bool level);

  std::shared_ptr<OriginalSlavesShared> shared_;
  OriginalSlaves::Target target_;
  SystemClock clock_;
  Sequence acknowledged_{0};
  std::chrono::steady_clock::time_point heard_at_{};  // when it last answered on this or a former connection
  bool deletions_due_ = false;                        // its build is over: it may hold what was deleted
  bool original_ = false;
  bool closed_ = false;
  std::optional<std::chrono::steady_clock::time_point> finishing_;  // since then
  std::chrono::steady_clock::time_point level_at_{};                // when it last had everything
  bool progressed_ = false;                                         // on this connection
  int refusals_ = 0;                                                // of the entry behind acknowledged_, in a row
  std::uint64_t skipped_ = 0;
  std::string chunk_;
  std::string last_report_;
  std::unique_ptr<PeerClient> client_;
  Timer wake_;
};

}  // namespace flare
