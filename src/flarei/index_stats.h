#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/cluster_identity.h"
#include "common/cluster/node_map.h"
#include "flarei/options.h"

/// The texts of `stats`, `stats threads`, `meta` and `show variables` at flarei (docs/spec/protocol.md 5, 6). Each
/// append leaves the closing `END` to the caller.
namespace flare {

/// Counted by the sessions, on the I/O thread.
struct IndexCounters {
  std::uint64_t total_connections = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
};

/// One session or monitor, as a thread of the original would look.
struct ThreadRow {
  int number = 0;
  int type = 1;
  std::string_view peer;
  std::string_view operation;
  std::chrono::seconds uptime{0};
  std::string_view state;
  std::string_view info;  // `foreign`: another cluster answers there
  std::size_t queue = 0;
  std::chrono::seconds behind{0};
};

struct GeneralStats {
  std::int64_t now_unix_s = 0;
  std::chrono::seconds uptime{0};
  std::size_t open_connections = 0;
  std::size_t threads = 1;
  IndexCounters counters;
  MapVersion map_version{0};
};

void append_general_stats(std::string& out, const GeneralStats& stats);
void append_thread_row(std::string& out, const ThreadRow& row);
void append_meta(std::string& out, const PartitionMeta& partition, KeyHashAlgorithm algorithm);
/// After the five lines of the original, which nodes of the original skip (cluster.md 1.3).
void append_identity_meta(std::string& out, const ClusterIdentity& identity);
void append_variables(std::string& out, const FlareiOptions& options);

}  // namespace flare
