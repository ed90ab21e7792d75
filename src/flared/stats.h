#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "flared/counter_sums.h"
#include "flared/replication/follower.h"
#include "flared/replication/sources.h"
#include "flared/storage/storage.h"

/// The texts of `stats` (docs/spec/protocol.md 5). Pure.
namespace flare {

struct GeneralFigures {
  std::int64_t pid = 0;
  std::int64_t uptime_s = 0;
  std::int64_t time_s = 0;
  double user_s = 0;
  double system_s = 0;
  StorageFigures storage;
  std::uint64_t threads = 0;
  std::uint64_t map_version = 0;
  std::uint64_t bytes_max = 0;  // option max-bytes; 0: no limit
  std::uint64_t connections_max = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t flushes = 0;
  std::uint64_t reclaimed = 0;  // expired entries that were removed
  std::string alarms;           // lines behind the others; usually none
  FollowFigures follow;         // shown while this node is being built
  BuildProgress::TimePoint now{};
};

/// All lines in the original's order, then further ones of memcached 1.6, with END.
std::string general_stats(const GeneralFigures& figures, const CounterSums& sums);

/// `stats workers`: the calls that serving took, for the watchful operator and the tests of the path of a request.
std::string worker_stats(std::size_t workers, const StorageFigures& storage, const CounterSums& sums);

struct ReplicationFigures {
  Position position;
  FollowFigures follow;
  std::vector<SourceFigures> slaves;
  std::uint64_t snapshots_served = 0;
  Sequence committed{0};
  std::size_t in_sync_nodes = 0;  // this one counted; 0: it does not lead
  BuildProgress::TimePoint now{};
};
/// `stats replication`: where this node stands, whom it follows and who follows it.
std::string replication_stats(const ReplicationFigures& figures);

struct ThreadRow {
  std::int64_t id = 0;
  int type = 1;  // 1 request, 2 alarm, 4 controller
  std::string peer = ":0";
  std::string_view operation;
  std::int64_t uptime_s = 0;
  std::string_view state = "wait";
};
/// `stats conns`: memcached's three lines for each connection, with END.
std::string connection_stats(const std::vector<ThreadRow>& rows);
/// `stats threads`: eight lines for each row, with END.
std::string thread_stats(const std::vector<ThreadRow>& rows);

}  // namespace flare
