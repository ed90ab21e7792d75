#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/net/client.h"
#include "flared/replication/backup.h"
#include "flared/replication/follower.h"
#include "flared/replication/hello.h"
#include "flared/replication/original_master.h"
#include "flared/replication/stream_codec.h"
#include "flared/replication/stream_link.h"

namespace flare {

/// The coroutine of a Follower and what it works on; kept alive by itself until it has ended.
class FollowerRun : public std::enable_shared_from_this<FollowerRun> {
 public:
  FollowerRun(IoExecutor executor, Storage& storage, BlockingPool& pool, Follower::Callbacks callbacks,
              FollowerOptions options);

  void follow(Follower::Target target);
  void stop();
  void abandon();  // stop, and call nobody back any more
  IoTask<> stopped();
  const FollowFigures& figures() const { return figures_; }
  void set_pace(const DumpPace& pace) {
    if (original_) original_->set_pace(pace);
  }

 private:
  // One connection's state after the hello.
  struct Connection {
    Connection(StreamSocket socket, const Hello& hello, Epoch epoch_known, std::size_t data_bytes_max)
        : link(std::move(socket)), backup(hello.position, epoch_known, hello.epochs), decoder(data_bytes_max) {}

    StreamLink link;
    Backup backup;
    stream::Decoder decoder;
    std::string buffer;
    std::unique_ptr<Replacement> replacement;
    Correction correction;                    // while it is fetched
    std::optional<stream::Ack> acknowledged;  // the last one sent
  };
  struct Ended {
    std::string reason;
    bool original = false;
  };

  IoTask<> loop(std::shared_ptr<FollowerRun> self);
  IoTask<Ended> attempt(Follower::Target target, std::uint64_t round);
  Result<Hello, std::string> say_hello(const Follower::Target& target);
  // The next functions answer with the reason why the connection ends, or with an empty text.
  IoTask<std::string> run_stream(std::uint64_t round);
  IoTask<std::string> take_messages(std::uint64_t round);
  IoTask<std::string> obey(Backup::Action action);
  IoTask<std::string> begin_replacement();
  IoTask<std::string> commit(Backup::Commit commit);
  IoTask<std::string> fetch_keys(Backup::FetchKeys fetch);
  bool take_fetched(const Backup::Action& action);
  IoTask<std::string> correct(Backup::Correct correct);
  IoTask<std::string> flush(LogEntry entry);
  IoTask<std::string> acknowledge();
  IoTask<Backup::Action> load(std::string_view& unread);
  static Backup::Action load_records(Connection& connection, std::string_view& unread);
  Backup::Action apply(std::string_view& unread);
  Backup::Action apply_entries(std::string_view& unread);
  static std::optional<Backup::Action> next_action(Connection& connection, std::string_view& unread);
  StreamTimes::Duration silent_max() const;
  void note_progress();
  void count_lost();
  void say_confirmed();
  void report(const std::string& reason);
  void close_connection();

  IoExecutor executor_;
  Storage& storage_;
  BlockingPool& pool_;
  Follower::Callbacks callbacks_;
  FollowerOptions options_;
  FollowFigures figures_;
  std::unique_ptr<OriginalMaster> original_;  // null: originals are not followed

  std::optional<Follower::Target> target_;
  std::uint64_t round_ = 0;  // raised by each follow and stop: what belongs to an older one ends
  bool running_ = false;
  bool confirmed_ = false;
  bool needs_snapshot_ = false;
  std::uint64_t surplus_due_ = 0;  // writes that are lost as soon as the source's are here
  bool streamed_ = false;          // on the last connection
  std::string last_report_;
  std::unique_ptr<PeerClient> client_;
  std::unique_ptr<Connection> connection_;
  Timer pause_;
  Timer ended_;  // never runs out: `stopped` waits on it until it is cancelled
};

}  // namespace flare
