#include "flared/options.h"

#include <algorithm>
#include <limits>
#include <thread>

#include "common/daemon/parse_options.h"

namespace flare {
namespace {

constexpr std::string_view program = "flared";
constexpr int int_max = std::numeric_limits<int>::max();
constexpr auto uint32_max = std::numeric_limits<std::uint32_t>::max();

using O = FlaredOptions;
using Row = OptionRow<FlaredOptions>;

// Small makers, so that a row of the tables below reads as a row of daemons.md 1.3.
Row row(std::string name, std::string help, Binding<O> binding) {
  return {{std::move(name), "", OptionKind::value, OptionPlace::both, std::move(help), ""},
          Apply::at_start,
          Effect::present,
          std::move(binding)};
}

Row flag(std::string name, std::string help, bool O::*member) {
  auto made = row(std::move(name), std::move(help), option::boolean<O>(member));
  made.name.kind = OptionKind::flag;
  return made;
}

Row boolean(std::string name, std::string help, bool O::*member) {
  auto made = row(std::move(name), std::move(help), option::boolean<O>(member));
  made.name.kind = OptionKind::boolean;
  return made;
}

Row dynamic(Row made) {
  made.apply = Apply::on_reload;
  return made;
}

Row later(Row made) {
  made.effect = Effect::later;
  return made;
}

Row none_here(Row made) {
  made.effect = Effect::none_here;
  return made;
}

// The list of indexes follows from these options, and goes with them.
Row of_indexes(Row made) {
  made.binding.copy = [copy = made.binding.copy](O& to, const O& from) {
    copy(to, from);
    to.indexes = from.indexes;
  };
  return dynamic(std::move(made));
}

Reason check_storage_type(std::string_view text) {
  if (text == "kch" || text == "tch") return {};
  if (text == "tcb") {
    return "is not supported: set kch, and build this node's data from a running original or restore its dump";
  }
  return "must be kch, or tch (then served by kch)";
}

Reason check_index_servers(std::string_view text) {
  if (text.empty() || parse_host_ports(text)) return {};
  return "must be a list of <host>:<port>, divided by commas, with ports from 1 to 65535";
}

Reason check_name_or_empty(std::string_view text) {
  if (text.empty()) return {};
  return check_server_name(text);
}

OptionTable<O> own_command_line_rows() {
  auto rebind =
      flag("rebind", "make the data-dir free for another cluster, if its store is empty; do not start", &O::rebind);
  rebind.name.place = OptionPlace::command_line;
  return {std::move(rebind)};
}

OptionTable<O> network_rows() {
  return {
      of_indexes(row("index-servers", "the indexes: <host>:<port>[,...] (this, or index-server-name, is required)",
                     option::text<O>(&O::index_servers, check_index_servers))),
      of_indexes(
          row("index-server-name", "the index's host", option::text<O>(&O::index_server_name, check_server_name))),
      of_indexes(row("index-server-port", "the index's port", option::number<O>(&O::index_server_port, 1, 65'535))),
      row("threads", "threads that serve clients; default: the cores, at most 4",
          option::number<O>(&O::threads, 1, 64)),
      row("back-log", "connections that wait to be accepted", option::number<O>(&O::back_log, 1, 65'535)),
      row("proxy-concurrency", "connections to each other node", option::number<O>(&O::proxy_concurrency, 1, 1024)),
      row("max-line-size", "bytes of a request line, and so of the keys of one get; K, M, G allowed",
          option::bytes<O>(&O::max_line_bytes, limits::line_bytes_max, std::uint64_t{1} << 24)),
      row("max-key-size", "bytes of a key; K, M, G allowed",
          option::bytes<O>(&O::max_key_bytes, 1, limits::key_bytes_max)),
      row("max-value-size", "bytes of a value; K, M, G allowed",
          option::bytes<O>(&O::max_value_bytes, 1, std::uint64_t{1} << 30)),
      dynamic(row("max-connection-memory", "bytes held for clients that send or read slowly; K, M, G allowed",
                  option::bytes<O>(&O::max_connection_memory, std::uint64_t{1} << 20, std::uint64_t{1} << 40))),
      dynamic(row("net-write-timeout", "seconds until a client that does not read is closed; negative: never",
                  timeout_or_never<O>(&O::net_write_timeout))),
  };
}

OptionTable<O> quota_rows() {
  constexpr auto most = std::uint64_t{1} << 48;
  return {
      dynamic(row("max-items", "entries that clients may store at this node; 0: no limit",
                  option::number<O>(&O::max_items, 0, most))),
      dynamic(row("max-bytes", "bytes of keys and entries likewise; K, M, G allowed; 0: no limit",
                  option::bytes<O>(&O::max_bytes, 0, most))),
      dynamic(row("max-ops-per-second", "keys that clients may read or write each second; 0: no limit",
                  option::number<O>(&O::max_ops_per_second, 0, 1'000'000'000))),
  };
}

// Names only: the doors that are given bring rows of their own (door_prefix_options.h).
OptionTable<O> tenant_door_rows() {
  const auto named = [](std::string name, std::string help) { return row(std::move(name), std::move(help), {}); };
  return {
      named("door.NAME.key-prefix", "its clients see only the keys that begin so, and without it; for class data"),
      dynamic(named("door.NAME.max-items", "entries with that prefix at this node; 0: no limit")),
      dynamic(named("door.NAME.max-bytes", "bytes of keys and entries likewise; K, M, G allowed; 0: no limit")),
      dynamic(named("door.NAME.max-ops-per-second", "keys that may be read or written each second; 0: no limit")),
  };
}

OptionTable<O> client_rows() {
  return {
      row("gat-order", "of gat <number> <number>: rule (see README), flare (key first) or memcached (time first)",
          option::choice<O>(
              &O::gat_order,
              {{"rule", GatOrder::rule}, {"flare", GatOrder::flare}, {"memcached", GatOrder::memcached}})),
      row("client-versions", "accept or refuse versions (a fifth number) that clients give",
          option::choice<O>(&O::client_versions, {{"accept", true}, {"refuse", false}})),
      dynamic(row("failover-wait", "seconds that a write waits for a partition's next master; 0: it does not",
                  option::duration<O>(&O::failover_wait, 0, 3600))),
      dynamic(row("max-total-thread-queue", "requests on their way to other nodes, of all threads; 0: no limit",
                  option::number<O>(&O::max_total_thread_queue, 0, uint32_max))),
      row("proxy-prior-netmask", "prefix length of the network whose nodes are read first; 0: off",
          option::number<O>(&O::proxy_prior_netmask, 0, 32)),
      dynamic(row("proxy-read-error", "a key that cannot be read at its node: miss (absent) or error",
                  option::choice<O>(&O::proxy_read_errors, {{"miss", false}, {"error", true}}))),
      dynamic(row(
          "proxy-flush-all",
          "flush_all at a proxy: own (its own store, as the operator tools need it) or cluster (all masters)",
          option::choice<O>(&O::proxy_flush_all, {{"own", ProxyFlushAll::own}, {"cluster", ProxyFlushAll::cluster}}))),
  };
}

OptionTable<O> storage_rows() {
  return {
      row("storage-type", "kch, or tch (then served by kch)", option::text<O>(&O::storage_type, check_storage_type)),
      row("storage-bucket-size", "buckets of a new store: at least the number of keys",
          option::number<O>(&O::storage_bucket_size, 1, std::uint64_t{1} << 32)),
      row("storage-ap", "records of a new store are aligned to 2^n bytes", option::number<O>(&O::storage_ap, 0, 15)),
      flag("storage-large", "64-bit offsets in a new store", &O::storage_large),
      row("storage-cache-size", "versions of deleted keys that are remembered",
          option::number<O>(&O::storage_cache_size, 0, 100'000'000)),
      row("durability", "process, interval or group: what survives the stop of a process, of a machine",
          option::choice<O>(
              &O::durability,
              {{"process", Durability::process}, {"interval", Durability::interval}, {"group", Durability::group}})),
      row("log-max-size", "cap of the update log; K, M, G allowed; 0: by the size of the data",
          option::bytes<O>(&O::log_max_bytes, 0, std::uint64_t{1} << 44)),
      row("disk-reserve", "bytes of the disk that writes leave free; K, M, G allowed; 0: 1/64 of it, at most 64M",
          option::bytes<O>(&O::disk_reserve_bytes, 0, std::uint64_t{1} << 44)),
      row("flush-keep", "seconds for which what flush_all took away can be brought back",
          option::number<O>(&O::flush_keep_s, 0, std::int64_t{1} << 32)),
      row("expiry-sweep-interval", "seconds between two looks of a master for expired entries to remove",
          option::duration<O>(&O::expiry_sweep_interval, 1, 86'400)),
      row("expiry-sweep-delay", "seconds for which they must have expired, and the clock gone evenly",
          option::duration<O>(&O::expiry_sweep_delay, 2, 86'400)),
      none_here(row("storage-dfunit", "steps of a defragmentation; the file is rewritten by itself",
                    option::number<O>(&O::storage_dfunit, 0, int_max))),
      none_here(row("storage-fp", "free block pool of tch and tcb", option::number<O>(&O::storage_fp, 0, uint32_max))),
      none_here(
          row("storage-lmemb", "members of a leaf page of tcb", option::number<O>(&O::storage_lmemb, 0, int_max))),
      none_here(
          row("storage-nmemb", "members of a non-leaf page of tcb", option::number<O>(&O::storage_nmemb, 0, int_max))),
      later(row("storage-compress", "deflate, bz2, tcbs or empty",
                option::choice<O>(&O::storage_compress,
                                  {{"", ""}, {"deflate", "deflate"}, {"bz2", "bz2"}, {"tcbs", "tcbs"}}))),
      none_here(row("mutex-slot", "slots of the storage lock", option::number<O>(&O::mutex_slot, 1, int_max))),
  };
}

OptionTable<O> replication_rows() {
  return {
      dynamic(row("replication-type", "async or sync: answers wait for all slaves in sync",
                  option::choice<O>(&O::replication_type,
                                    {{"async", ReplicationType::async}, {"sync", ReplicationType::sync}}))),
      boolean("start-without-index", "serve by the copy of the last map when no index answers at the start",
              &O::start_without_index),
      dynamic(row("min-sync-replicas", "copies in sync, the master counted, below which sync writes are refused",
                  option::number<O>(&O::min_sync_replicas, 1, 64))),
      dynamic(row("sync-timeout", "milliseconds of silence after which a slave leaves the in-sync set; sync only",
                  option::duration<O>(&O::sync_timeout, 200, 60'000))),
      dynamic(row("dismiss-silent-slaves",
                  "seconds of silence after which an original index is asked to make a slave a proxy; 0: never",
                  option::duration<O>(&O::dismiss_silent_slaves, 0, 3600))),
      dynamic(row("max-lag", "entries that a slave may be behind and stay in sync; async only; 0: no limit",
                  option::number<O>(&O::max_lag, 0, std::uint64_t{1} << 48))),
      dynamic(row("reconstruction-interval", "microseconds between entries of a build",
                  option::duration<O>(&O::reconstruction_interval, 0, 60'000'000))),
      dynamic(row("reconstruction-bwlimit",
                  "KB per second of a build or of a full pass to another cluster; 0: no limit",
                  option::number<O>(&O::reconstruction_bwlimit_kb, 0, int_max))),
      none_here(row("noreply-window-limit", "unanswered writes to a slave: streams acknowledge as they go",
                    option::number<O>(&O::noreply_window_limit, 0, int_max))),
      dynamic(boolean("time-watcher-enabled", "watch slow accesses to the storage", &O::time_watcher_enabled)),
      dynamic(row("time-watcher-polling-interval-msec", "milliseconds between two looks; 0: off",
                  option::duration<O>(&O::time_watcher_polling_interval, 0, uint32_max))),
      dynamic(row("storage-access-watch-threshold-warn-msec", "milliseconds until a line in the log; 0: off",
                  option::duration<O>(&O::storage_access_watch_threshold_warn, 0, uint32_max))),
      dynamic(row("storage-access-watch-threshold-ping-ng-msec", "milliseconds until ping answers an error; 0: off",
                  option::duration<O>(&O::storage_access_watch_threshold_ping_ng, 0, uint32_max))),
      dynamic(boolean("cluster-replication", "send writes to another cluster", &O::cluster_replication)),
      dynamic(row("cluster-replication-server-name", "a node of the other cluster",
                  option::text<O>(&O::cluster_replication_server_name, check_name_or_empty))),
      dynamic(row("cluster-replication-server-port", "its port",
                  option::number<O>(&O::cluster_replication_server_port, 1, 65'535))),
      row("cluster-replication-concurrency", "connections to it; 0: as proxy-concurrency",
          option::number<O>(&O::cluster_replication_concurrency, 0, 1024)),
      dynamic(row("cluster-replication-mode",
                  "duplicate (masters send each write there too) or forward (all requests go there)",
                  option::choice<O>(&O::cluster_replication_mode, {{"duplicate", ClusterReplicationMode::duplicate},
                                                                   {"forward", ClusterReplicationMode::forward}}))),
  };
}

const OptionTable<O>& table() {
  static const auto rows = [] {
    auto all = command_line_rows<O>();
    for (auto part : {own_command_line_rows(), common_rows<O>(), network_rows(), quota_rows(), tenant_door_rows(),
                      client_rows(), storage_rows(), replication_rows()}) {
      for (auto& made : part) all.push_back(std::move(made));
    }
    return all;
  }();
  return rows;
}

// A prefix must leave room for a key.
std::optional<StartFailure> refuse_long_prefix(const GivenOptions& given, const O& options) {
  for (const auto& [name, door] : options.doors) {
    if (door.key_prefix.size() < options.max_key_bytes) continue;
    const auto* option = winning(given, "door." + name + ".key-prefix");
    if (option == nullptr) continue;  // no door has a prefix that is not given
    return StartFailure{ExitCode::configuration,
                        option_message(program, given.config_path, *option,
                                       "is as long as the longest key (max-key-size): no key would be left")};
  }
  return std::nullopt;
}

// daemons.md 1.3: exactly one of the two forms, wherever they are given.
std::optional<StartFailure> finish(const GivenOptions& given, O& options) {
  if (auto long_prefix = refuse_long_prefix(given, options)) return long_prefix;
  const auto* list = winning(given, "index-servers");
  const auto* name = winning(given, "index-server-name");
  const auto failure = [&](const GivenOption& option, std::string_view reason) {
    return StartFailure{ExitCode::configuration, option_message(program, given.config_path, option, reason)};
  };
  if (list && name) return failure(*list, "index-server-name is given as well: remove one of the two");
  if (!options.index_servers.empty()) {
    options.indexes = *parse_host_ports(options.index_servers);
    return std::nullopt;
  }
  if (list) return failure(*list, "names no index");
  if (options.index_server_name.empty()) {
    return StartFailure{ExitCode::configuration,
                        fmt::format("{}: option 'index-servers': is required (or index-server-name): where the index "
                                    "(flarei) is",
                                    program)};
  }
  options.indexes = {{options.index_server_name, options.index_server_port}};
  return std::nullopt;
}

}  // namespace

FlaredOptions::FlaredOptions() : threads(std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 4)) {
  server_port = 12121;
}

Result<FlaredOptions, StartFailure> parse_flared_options(int argc, const char* const* argv) {
  return parse_options(table(), program, words_after_name(argc, argv), Finish<O>(finish));
}

Result<Reread<FlaredOptions>, StartFailure> reread_flared_options(const FlaredOptions& in_force) {
  const auto fresh = parse_options(table(), program, in_force.command_line, Finish<O>(finish));
  if (!fresh) return fresh.error();
  return merge_reread(table(), in_force, *fresh);
}

std::vector<std::string> unsupported_yet(const FlaredOptions& options) {
  return names_without_effect(table(), options);
}

std::vector<std::string> option_warnings(const FlaredOptions& options) {
  auto warnings = warning_about(unsupported_yet(options));
  if (options.storage_type == "tch") {
    warnings.emplace_back("storage-type tch: served by kch (flare.kch); set storage-type = kch");
  }
  if (options.max_connection_memory / 2 < options.max_value_bytes) {
    warnings.emplace_back(
        "max-connection-memory is less than twice max-value-size: the largest values may be refused; raise it");
  }
  return warnings;
}

std::vector<std::pair<std::string, std::string>> shown_options(const FlaredOptions& options) {
  return shown(with_doors_of(table(), options, options), options);
}

}  // namespace flare
