#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/result.h"
#include "common/daemon/common_options.h"
#include "common/daemon/host_port.h"
#include "common/daemon/reread.h"
#include "common/daemon/start_failure.h"
#include "common/protocol/request_line.h"
#include "flared/storage/storage_options.h"

/// flared's options (docs/spec/daemons.md 1.3): names, ranges and defaults are the table in options.cc.
namespace flare {

enum class ReplicationType : std::uint8_t { async, sync };
enum class ProxyFlushAll : std::uint8_t { own, cluster };
enum class ClusterReplicationMode : std::uint8_t { duplicate, forward };

struct FlaredOptions : CommonOptions {
  static constexpr bool serves_keys = true;

  std::vector<HostPort> indexes;  // of index-servers or of index-server-name and -port; never empty after parsing
  bool rebind = false;            // only make the data-dir free, if its store is empty
  int threads = 1;                // default: the cores, at most 4
  int back_log = limits::listen_backlog;
  int proxy_concurrency = 2;

  std::size_t max_line_bytes = limits::line_bytes_max;  // never less: other nodes write lines of that length
  std::size_t max_key_bytes = limits::key_bytes_max;
  std::size_t max_value_bytes = limits::value_bytes_max;
  std::uint64_t max_items = 0;  // of the node, 0: no limit; all three are for clients' writes and reads
  std::uint64_t max_bytes = 0;  // of keys and records
  std::uint64_t max_ops_per_second = 0;
  std::size_t max_connection_memory = limits::connection_memory_max;
  std::chrono::seconds net_write_timeout{60};  // `never` for a negative value
  GatOrder gat_order = GatOrder::rule;
  bool client_versions = true;  // accept or refuse
  std::chrono::seconds failover_wait{limits::failover_wait};
  bool proxy_read_errors = false;                      // proxy-read-error: error, or miss
  ProxyFlushAll proxy_flush_all = ProxyFlushAll::own;  // what flush_all concerns at a proxy or slave
  Durability durability = Durability::process;
  std::uint64_t disk_reserve_bytes = 0;  // 0: a share of the disk, design.md 3.8
  std::int64_t flush_keep_s = 3600;      // design.md 3.7
  std::chrono::seconds expiry_sweep_interval{60};
  std::chrono::seconds expiry_sweep_delay{60};  // design.md 3.9
  std::uint64_t log_max_bytes = 0;              // 0: min(256 MiB, max(8 MiB, data size)), design.md 3.1

  std::string storage_type = "kch";  // or "tch", which is served by kch
  std::uint64_t storage_bucket_size = 1'048'576;
  std::uint32_t storage_ap = 4;  // records are aligned to 2^storage_ap bytes
  bool storage_large = false;
  int storage_cache_size = 65536;  // remembered versions of deleted keys
  std::int32_t storage_dfunit = 0;
  std::uint32_t storage_fp = 10;  // accepted, without effect on kch
  int storage_lmemb = 128;        // accepted, without effect on kch
  int storage_nmemb = 256;        // accepted, without effect on kch
  std::string storage_compress;   // accepted, later

  ReplicationType replication_type = ReplicationType::async;
  bool start_without_index = false;
  int min_sync_replicas = 1;                      // the master counts
  std::chrono::milliseconds sync_timeout{1000};   // a silent slave leaves the in-sync set
  std::chrono::seconds dismiss_silent_slaves{0};  // by an original index; 0: never
  std::uint64_t max_lag = 1'000'000;              // entries, with replication-type async; 0: no limit
  std::chrono::microseconds reconstruction_interval{0};
  int reconstruction_bwlimit_kb = 0;

  std::uint32_t proxy_prior_netmask = 0;
  std::uint32_t max_total_thread_queue = 0;

  // Accepted, later or without effect.
  std::string index_servers;  // as given
  std::string index_server_name;
  int index_server_port = 12120;
  int mutex_slot = 64;
  int noreply_window_limit = 0;
  bool time_watcher_enabled = false;
  std::chrono::milliseconds time_watcher_polling_interval{0};
  std::chrono::milliseconds storage_access_watch_threshold_warn{0};
  std::chrono::milliseconds storage_access_watch_threshold_ping_ng{0};
  bool cluster_replication = false;
  std::string cluster_replication_server_name;
  int cluster_replication_server_port = 12121;
  int cluster_replication_concurrency = 0;  // 0: as proxy-concurrency
  ClusterReplicationMode cluster_replication_mode = ClusterReplicationMode::duplicate;

  FlaredOptions();
};

/// Command line and file, checked. A failure with ExitCode::ok is the text of --help or --version.
Result<FlaredOptions, StartFailure> parse_flared_options(int argc, const char* const* argv);

/// For SIGHUP: the file again, beneath the same command line.
Result<Reread<FlaredOptions>, StartFailure> reread_flared_options(const FlaredOptions& in_force);

/// Sentences to log at the start: options that are accepted, but whose feature is not here; storage-type tch.
std::vector<std::string> option_warnings(const FlaredOptions& options);
/// Names of options set to another value than their default whose feature is not here.
std::vector<std::string> unsupported_yet(const FlaredOptions& options);

/// Every option in force, in the order of --help, as `show variables` prints it.
std::vector<std::pair<std::string, std::string>> shown_options(const FlaredOptions& options);

}  // namespace flare
