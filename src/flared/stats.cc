#include "flared/stats.h"

#include <fmt/format.h>

#include "flared/stat_lines.h"

namespace flare {

namespace {

struct SummedLine {
  std::string_view name;
  Counter Counters::*member;
};

constexpr SummedLine summed_lines[] = {
    {"cmd_get", &Counters::cmd_get},           {"cmd_set", &Counters::cmd_set},
    {"get_hits", &Counters::get_hits},         {"get_misses", &Counters::get_misses},
    {"delete_hits", &Counters::delete_hits},   {"delete_misses", &Counters::delete_misses},
    {"incr_hits", &Counters::incr_hits},       {"incr_misses", &Counters::incr_misses},
    {"decr_hits", &Counters::decr_hits},       {"decr_misses", &Counters::decr_misses},
    {"cas_hits", &Counters::cas_hits},         {"cas_misses", &Counters::cas_misses},
    {"cas_badval", &Counters::cas_badval},     {"touch_hits", &Counters::touch_hits},
    {"touch_misses", &Counters::touch_misses},
};

// What memcached 1.6 tells beyond the original, where it means the same here.
void add_further_lines(StatLines& lines, const GeneralFigures& figures, const CounterSums& sums) {
  lines.add("max_connections", figures.connections_max);
  lines.add("rejected_connections", figures.refused_connections);
  lines.add("cmd_flush", figures.flushes);
  lines.add("cmd_touch", sums.of(&Counters::cmd_touch));
  lines.add("reclaimed", figures.reclaimed);
  lines.add("accepting_conns", 1);
  lines.add("listen_disabled_num", 0);
  // ours: what an operator's alarm looks at
  lines.add("disk_full", figures.storage.disk_full ? 1 : 0);
  lines.add("refused_disk_full", figures.storage.refused_for_space);
  lines.add("damaged_records", figures.storage.damaged_records);
  lines.add("store_rewrites", figures.storage.rewrites);
  lines.add("store_rewrite_progress", figures.storage.rewrite_percent);
}

void add_build(StatLines& lines, const std::string& start, const BuildProgress& build, BuildProgress::TimePoint now) {
  lines.add(start + "build_records", build.records);
  lines.add(start + "build_expected", build.expected);
  if (const auto left_s = eta_s(build, now)) lines.add(start + "build_eta_s", *left_s);
}

// As memcached writes an address: tcp:, tcp6: or unix: before it, and an IPv6 one in brackets, which a peer's text has
// not (listener.cc).
std::string with_transport(std::string_view peer) {
  if (peer.starts_with('/') || peer.find(':') == std::string_view::npos) return fmt::format("unix:{}", peer);
  const auto port_at = peer.rfind(':');
  const auto address = peer.substr(0, port_at);
  if (address.find(':') == std::string_view::npos) return fmt::format("tcp:{}", peer);
  return fmt::format("tcp6:[{}]{}", address, peer.substr(port_at));
}

}  // namespace

std::string general_stats(const GeneralFigures& figures, const CounterSums& sums) {
  StatLines lines;
  lines.add("pid", figures.pid);
  lines.add("uptime", figures.uptime_s);
  lines.add("time", figures.time_s);
  lines.add("version", "2.0.0");
  lines.add("pointer_size", 64);
  lines.add("rusage_user", fmt::format("{:.6f}", figures.user_s));
  lines.add("rusage_system", fmt::format("{:.6f}", figures.system_s));
  lines.add("curr_items", figures.storage.items);
  lines.add("total_items", sums.of(&Counters::total_items));
  lines.add("bytes", figures.storage.file_bytes);
  lines.add("curr_connections", sums.of(&Counters::curr_connections));
  lines.add("total_connections", sums.of(&Counters::total_connections));
  lines.add("connection_structures", 0);
  for (const auto& line : summed_lines) lines.add(line.name, sums.of(line.member));
  lines.add("evictions", 0);
  lines.add("bytes_read", sums.of(&Counters::bytes_read));
  lines.add("bytes_written", sums.of(&Counters::bytes_written));
  lines.add("limit_maxbytes", figures.bytes_max);
  lines.add("threads", figures.threads);
  lines.add("pool_threads", 0);
  lines.add("node_map_version", figures.map_version);
  add_further_lines(lines, figures, sums);
  if (figures.follow.state == FollowState::snapshot) add_build(lines, {}, figures.follow.build(), figures.now);
  lines.append(figures.alarms);
  return lines.end();
}

std::string worker_stats(std::size_t workers, const StorageFigures& storage, const CounterSums& sums) {
  StatLines lines;
  lines.add("workers", workers);
  lines.add("turns", sums.of(&Counters::turns));
  lines.add("read_calls", sums.of(&Counters::read_calls));
  lines.add("write_calls", sums.of(&Counters::write_calls));
  lines.add("forwarded", sums.of(&Counters::forwarded));
  lines.add("log_writes", storage.log_writes);
  lines.add("log_bytes", storage.log_bytes);
  lines.add("checkpoints", storage.checkpoints);
  return lines.end();
}

std::string replication_stats(const ReplicationFigures& figures) {
  StatLines lines;
  lines.add("log_id", fmt::format("{:016x}", raw(figures.position.log_id)));
  lines.add("epoch", raw(figures.position.epoch));
  lines.add("sequence", raw(figures.position.sequence));
  lines.add("snapshots_served", figures.snapshots_served);
  lines.add("follow_state", to_text(figures.follow.state));
  lines.add("follow_class", figures.follow.original ? "original" : "flare");
  lines.add("snapshots_loaded", figures.follow.snapshots_loaded);
  lines.add("entries_applied", figures.follow.entries_applied);
  lines.add("records_loaded", figures.follow.records_loaded);
  lines.add("records_expected", figures.follow.records_expected);
  if (figures.follow.state == FollowState::snapshot) add_build(lines, {}, figures.follow.build(), figures.now);
  lines.add("follow_lag", figures.follow.lag_entries);
  lines.add("corrections", figures.follow.corrections);
  lines.add("lost_async_writes", figures.follow.lost_writes);
  lines.add("committed", raw(figures.committed));
  lines.add("in_sync_nodes", figures.in_sync_nodes);
  for (const auto& slave : figures.slaves) {
    lines.add(slave.slave.text + ":state", to_text(slave.state));
    if (slave.state == SourceState::snapshot) add_build(lines, slave.slave.text + ":", slave.build, figures.now);
    lines.add(slave.slave.text + ":acknowledged", raw(slave.acknowledged));
    lines.add(slave.slave.text + ":lag", slave.lag_entries);
    lines.add(slave.slave.text + ":in_sync", slave.in_sync ? 1 : 0);
    lines.add(slave.slave.text + ":class", slave.original ? "original" : "flare");
    if (slave.original) lines.add(slave.slave.text + ":skipped", slave.skipped);
  }
  return lines.end();
}

std::string connection_stats(const std::vector<ThreadRow>& rows) {
  StatLines lines;
  for (const auto& row : rows) {
    lines.add(fmt::format("{}:addr", row.id), with_transport(row.peer));
    lines.add(fmt::format("{}:state", row.id), row.state == "execute" ? "conn_parse_cmd" : "conn_read");
    lines.add(fmt::format("{}:secs_since_last_cmd", row.id), row.uptime_s);
  }
  return lines.end();
}

std::string thread_stats(const std::vector<ThreadRow>& rows) {
  StatLines lines;
  for (const auto& row : rows) {
    const auto add = [&](std::string_view name, const auto& value) {
      lines.add(fmt::format("{}:{}", row.id, name), value);
    };
    add("type", row.type);
    add("peer", row.peer);
    add("op", row.operation);
    add("uptime", row.uptime_s);
    add("state", row.state);
    add("info", "");
    add("queue", 0);
    add("behind", 0);
  }
  return lines.end();
}

}  // namespace flare
