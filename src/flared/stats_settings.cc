#include "flared/stats_settings.h"

#include "flared/stat_lines.h"

namespace flare {

namespace {

void add_memcached_settings(StatLines& lines, const FlaredOptions& options) {
  lines.add("maxbytes", options.max_bytes);  // 0: no limit
  lines.add("maxconns", options.max_connection);
  lines.add("tcpport", options.server_port);
  lines.add("udpport", 0);
  lines.add("inter", options.bind_address.empty() ? "NULL" : options.bind_address);
  lines.add("verbosity", 0);
  lines.add("evictions", "off");
  lines.add("num_threads", options.threads);
  lines.add("detail_enabled", "no");
  lines.add("cas_enabled", "yes");
  lines.add("tcp_backlog", options.back_log);
  lines.add("binding_protocol", "auto-negotiate");
  lines.add("auth_enabled_sasl", "no");
  lines.add("auth_enabled_ascii", "no");
  lines.add("item_size_max", options.max_value_bytes);
  lines.add("maxconns_fast", "yes");  // above maxconns a connection is told so and closed
  lines.add("flush_enabled", "yes");
  lines.add("idle_timeout", options.net_read_timeout == never ? 0 : options.net_read_timeout.count());
  lines.add("ssl_enabled", "no");
}

void add_own_settings(StatLines& lines, const FlaredOptions& options) {
  lines.add("key_size_max", options.max_key_bytes);
  lines.add("line_size_max", limits::line_bytes_max);
  lines.add("max_items", options.max_items);
  lines.add("max_ops_per_second", options.max_ops_per_second);
  lines.add("storage_type", options.storage_type);
  lines.add("storage_bucket_size", options.storage_bucket_size);
  lines.add("storage_cache_size", options.storage_cache_size);
  lines.add("replication_type", options.replication_type == ReplicationType::sync ? "sync" : "async");
}

}  // namespace

std::string settings_stats(const FlaredOptions& options) {
  StatLines lines;
  add_memcached_settings(lines, options);
  add_own_settings(lines, options);
  return lines.end();
}

}  // namespace flare
