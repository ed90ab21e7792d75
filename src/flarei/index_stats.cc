#include "flarei/index_stats.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <initializer_list>
#include <iterator>

#include "flarei/version.h"

namespace flare {

namespace {

template <class Value>
void stat(std::string& out, std::string_view name, const Value& value) {
  fmt::format_to(std::back_inserter(out), "STAT {} {}\r\n", name, value);
}

std::string seconds_text(const timeval& time) { return fmt::format("{}.{:06}", time.tv_sec, time.tv_usec); }

void variable(std::string& out, std::string_view name, std::string_view value) {
  constexpr int name_width = 26;
  fmt::format_to(std::back_inserter(out), "{:<{}}{}\r\n", fmt::format("{}:", name), name_width, value);
}

}  // namespace

void append_general_stats(std::string& out, const GeneralStats& stats) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  stat(out, "pid", ::getpid());
  stat(out, "uptime", stats.uptime.count());
  stat(out, "time", stats.now_unix_s);
  stat(out, "version", version_number);
  stat(out, "pointer_size", sizeof(void*) * 8);
  stat(out, "rusage_user", seconds_text(usage.ru_utime));
  stat(out, "rusage_system", seconds_text(usage.ru_stime));
  for (const auto* name : {"curr_items", "total_items", "bytes"}) stat(out, name, 0);  // flarei stores nothing
  stat(out, "curr_connections", stats.open_connections);
  stat(out, "total_connections", stats.counters.total_connections);
  stat(out, "connection_structures", 0);
  for (const auto* name : {"cmd_get", "cmd_set", "get_hits", "get_misses", "delete_hits", "delete_misses", "incr_hits",
                           "incr_misses", "decr_hits", "decr_misses", "cas_hits", "cas_misses", "cas_badval",
                           "touch_hits", "touch_misses", "evictions"}) {
    stat(out, name, 0);
  }
  stat(out, "bytes_read", stats.counters.bytes_read);
  stat(out, "bytes_written", stats.counters.bytes_written);
  stat(out, "limit_maxbytes", 0);
  stat(out, "threads", stats.threads);
  stat(out, "pool_threads", 0);
  stat(out, "node_map_version", raw(stats.map_version));
}

void append_thread_row(std::string& out, const ThreadRow& row) {
  fmt::format_to(std::back_inserter(out),
                 "STAT {0}:type {1}\r\nSTAT {0}:peer {2}\r\nSTAT {0}:op {3}\r\nSTAT {0}:uptime {4}\r\n"
                 "STAT {0}:state {5}\r\nSTAT {0}:info {8}\r\nSTAT {0}:queue {6}\r\nSTAT {0}:behind {7}\r\n",
                 row.number, row.type, row.peer, row.operation, row.uptime.count(), row.state, row.queue,
                 row.behind.count(), row.info);
}

void append_meta(std::string& out, const PartitionMeta& partition, KeyHashAlgorithm algorithm) {
  fmt::format_to(std::back_inserter(out),
                 "META partition-size {}\r\nMETA key-hash-algorithm {}\r\nMETA partition-type modular\r\n"
                 "META partition-modular-hint {}\r\nMETA partition-modular-virtual {}\r\n",
                 partition.partition_size, to_text(algorithm), partition.modular_hint, partition.modular_virtual);
}

void append_identity_meta(std::string& out, const ClusterIdentity& identity) {
  if (!identity.cluster.empty()) fmt::format_to(std::back_inserter(out), "META cluster-id {}\r\n", identity.cluster);
  if (!identity.tenant.empty()) fmt::format_to(std::back_inserter(out), "META tenant {}\r\n", identity.tenant);
}

void append_variables(std::string& out, const FlareiOptions& options) {
  using std::to_string;
  // In milliseconds, as the original shows it.
  const auto read_timeout = std::chrono::milliseconds{options.net_read_timeout};
  variable(out, "config_path", options.config_path);
  variable(out, "pid_path", options.pid_path == options.data_dir + "/flarei.pid" ? "" : options.pid_path);
  variable(out, "daemonize", options.daemonize ? "true" : "false");
  variable(out, "data_dir", options.data_dir);
  variable(out, "max_connection", to_string(options.max_connection));
  variable(out, "monitor_threshold", to_string(options.monitor_threshold));
  variable(out, "monitor_interval", to_string(options.monitor_interval.count()));
  variable(out, "monitor_read_timeout", to_string(options.monitor_read_timeout.count()));
  variable(out, "net_read_timeout", options.net_read_timeout == never ? "-1" : to_string(read_timeout.count()));
  variable(out, "partition_modular_hint", to_string(options.partition_modular_hint));
  variable(out, "partition_modular_virtual", to_string(options.partition_modular_virtual));
  variable(out, "partition_size", to_string(options.partition_size));
  variable(out, "partition_type", options.partition_type);
  variable(out, "key_hash_algorithm", to_text(options.key_hash_algorithm));
  variable(out, "server_name", options.server_name);
  variable(out, "server_port", to_string(options.server_port));
  variable(out, "server_socket", options.server_socket);
  variable(out, "stack_size", to_string(options.stack_size_kb));
  variable(out, "thread_pool_size", to_string(options.thread_pool_size));
}

}  // namespace flare
