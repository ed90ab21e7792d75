#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "common/base/long_work.h"
#include "flared/replication/hello.h"
#include "flared/replication/primary.h"
#include "flared/replication/sources.h"
#include "flared/replication/stream_link.h"

namespace flare {

class KeysEncoder;
class SourceSession;

/// What the sessions of one Sources share. Held by each of their coroutines, so that it outlives Sources itself.
struct SourceShared {
  IoExecutor executor;
  Storage& storage;
  BlockingPool& pool;
  Log& log;
  Sources::Callbacks callbacks;
  SourcesOptions options;
  std::vector<std::shared_ptr<SourceSession>> sessions;
  std::uint64_t snapshots_served = 0;

  std::atomic<bool> has_sessions{false};  // read by workers: no post when nobody listens
  std::atomic<bool> wake_posted{false};   // one post for any number of log writes

  Epoch epoch() const;
  Sequence committed() const;
};

/// One slave's connection: hello, snapshot if need be, stream (docs/replication.md 3). On the control thread, two
/// coroutines: one sends, one reads ACKs.
class SourceSession : public std::enable_shared_from_this<SourceSession> {
 public:
  SourceSession(std::shared_ptr<SourceShared> shared, StreamSocket socket, std::string unread, std::string peer);

  /// The whole life. Removes itself from `sessions` at the end. `self` keeps it alive until then.
  IoTask<> serve(std::shared_ptr<SourceSession> self, std::string line);
  void wake();  // something may be due: entries were written, INSYNC, the end
  void tell_committed();
  void close(std::string reason);
  void ping_import();

  const NodeKey& slave() const { return hello_.slave; }
  SourceFigures figures() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::optional<std::string> refusal(const std::string& line);
  bool is_source() const;
  bool wanted(std::string_view key) const;
  bool wanted(const LogEntry& entry) const;
  void settle_import();
  IoTask<> refuse(std::string answer);
  IoTask<> start();
  IoTask<> resume();
  std::optional<std::string> backup_refusal(const std::string& line);
  std::uint64_t bytes_per_s() const;
  IoTask<> send_snapshot(std::string why);
  IoTask<> send_records(Scan& scan);
  IoTask<> send_keys(StartDecision decision);
  IoTask<std::vector<std::string>> read_asked_keys();
  IoTask<> send_asked(KeysEncoder& encoder);
  IoTask<> written_up_to(Sequence last);
  IoTask<> stream();
  IoTask<> read_acks(std::shared_ptr<SourceSession> self);
  IoTask<> confirm(std::shared_ptr<SourceSession> self);
  IoTask<> send(std::string_view bytes);
  IoTask<> send_paced(std::string_view bytes, std::uint64_t records);
  IoTask<> let_others_run(WorkTimes times);
  IoTask<> wait(StreamTimes::Duration at_most);
  void replace_older_connection();
  bool is_newest_connection() const;
  void append_written(std::string& out);
  bool is_follower() const { return !import_ && !backup_; }
  void append_ping(std::string& out);
  void append_committed(std::string& out);
  void obey(const Primary::Actions& actions, std::string& out);
  bool take_acks();

  std::shared_ptr<SourceShared> shared_;
  StreamLink link_;
  std::string unread_;
  std::string peer_;
  std::string end_reason_;
  stream::Decoder decoder_{0};
  Hello hello_;                                              // of an import: without a position
  bool import_ = false;                                      // only keys of hello_.partition, by the map to come
  PartitionId own_partition_{0};                             // of an import: whose keys are this node's
  std::function<PartitionId(std::string_view key)> former_;  // among the partitions without the new one; may be null
  bool ping_due_ = false;
  bool backup_ = false;  // into a file: the index hears nothing of it
  std::uint64_t backup_kb_s_ = 0;
  std::optional<Primary> primary_;
  SourceState state_ = SourceState::snapshot;
  std::uint64_t snapshots_served_ = 0;
  BuildProgress build_;
  std::chrono::steady_clock::time_point paced_until_{};  // reconstruction-bwlimit: when the next piece is due
  bool started_ = false;                                 // as a slave's
  bool insync_due_ = false;
  bool committed_due_ = false;
  std::uint64_t stamp_ = 0;  // of the last PING that asks for an ACK
  std::string chunk_;        // log bytes, kept for its room
  Timer wake_;
  Timer pace_;
};

}  // namespace flare
