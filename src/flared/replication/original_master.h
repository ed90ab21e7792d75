#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/net/client.h"
#include "flared/replication/dump_reader.h"
#include "flared/replication/follower.h"
#include "flared/replication/replicated_writes.h"
#include "flared/replication/stream_link.h"

namespace flare {

/// How a dump is asked for: the source waits that long after each entry, and sends no faster (cluster.md 6.1).
struct DumpPace {
  std::chrono::microseconds interval{0};
  std::uint64_t bandwidth_kb_s = 0;
};
/// `dump <interval> <partition> <partitions>[ <bwlimit>]`. Pure.
std::string format_dump_request(const DumpPace& pace, PartitionId partition, int partitions);

/// A slave of an original master (docs/replication.md 5): takes its prefixed writes, and reads its dump into a new
/// store. Part of a Follower, on the control thread; `figures` is the follower's.
class OriginalMaster {
 public:
  struct Parts {
    IoExecutor executor;
    Storage& storage;
    BlockingPool& pool;
    ReplicatedWrites& writes;
    FollowFigures& figures;
    std::function<void()> built;                     // all that the master has is here
    std::function<void()> replaced;                  // the new store is in
    std::function<void(const std::string&)> failed;  // why an attempt ended; another follows
  };

  OriginalMaster(Parts parts, const FollowerOptions& options);

  /// Until `stop`, or until the master turns out to be of ours; then why.
  IoTask<std::string> follow(Follower::Target target);
  void stop();
  void set_pace(DumpPace pace) { pace_ = pace; }

 private:
  // Each answers with the reason why it ended, or with an empty text.
  IoTask<std::string> build(Follower::Target target, std::uint64_t round);
  IoTask<std::string> greet(PeerClient& client, Follower::Target target);
  IoTask<std::string> read_dump(std::uint64_t round);
  std::string store(std::string& buffer);
  IoTask<std::string> commit();
  IoTask<> watch(Follower::Target target, std::uint64_t round);
  IoTask<> wait(StreamTimes::Duration length);

  Parts parts_;
  FollowerOptions options_;
  DumpPace pace_;
  std::uint64_t round_ = 0;  // raised by `stop`
  bool ours_ = false;        // the master answers as a daemon of ours
  bool built_ = false;
  bool complete_ = false;  // END has come
  std::unique_ptr<PeerClient> client_;
  std::unique_ptr<StreamLink> link_;
  std::unique_ptr<Replacement> replacement_;
  DumpReader reader_;
  Timer pause_;
};

}  // namespace flare
