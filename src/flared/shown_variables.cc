#include "flared/shown_variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "common/protocol/reply_writer.h"

namespace flare {

namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;
using std::to_string;

constexpr std::size_t label_width = 24;  // of the original; a longer label is followed by one space

// Options that the original shows under another name, or only the command line has.
const std::set<std::string, std::less<>> shown_otherwise{"index_servers", "index_server_name", "index_server_port"};

std::string on_or_off(bool value) { return value ? "true" : "false"; }

std::string joined(const std::vector<HostPort>& indexes) {
  std::string text;
  for (const auto& index : indexes) text += fmt::format("{}{}:{}", text.empty() ? "" : ",", index.host, index.port);
  return text;
}

Lines daemon_lines(const FlaredOptions& o) {
  return {
      {"back_log", to_string(o.back_log)},
      {"config_path", o.config_path},
      {"pid_path", o.pid_path == o.data_dir + "/flared.pid" ? "" : o.pid_path},
      {"daemonize", on_or_off(o.daemonize)},
      {"data_dir", o.data_dir},
      {"index_server(s)", joined(o.indexes)},
      {"max_connection", to_string(o.max_connection)},
      {"mutex_slot", to_string(o.mutex_slot)},
      {"noreply_window_limit", to_string(o.noreply_window_limit)},
      {"net_read_timeout", o.net_read_timeout == never ? "-1" : to_string(o.net_read_timeout.count())},
      {"proxy_concurrency", to_string(o.proxy_concurrency)},
      {"reconstruction_interval", to_string(o.reconstruction_interval.count())},
      {"reconstruction_bwlimit", to_string(o.reconstruction_bwlimit_kb)},
      {"replication_type", o.replication_type == ReplicationType::sync ? "sync" : "async"},
      {"server_name", o.server_name},
      {"server_port", to_string(o.server_port)},
      {"server_socket", o.server_socket},
      {"stack_size", to_string(o.stack_size_kb)},
  };
}

Lines storage_lines(const FlaredOptions& o) {
  return {
      {"storage_ap", to_string(o.storage_ap)},
      {"storage_bucket_size", to_string(o.storage_bucket_size)},
      {"storage_cache_size", to_string(o.storage_cache_size)},
      {"storage_compress", o.storage_compress},
      {"storage_large", on_or_off(o.storage_large)},
      {"storage_lmemb", to_string(o.storage_lmemb)},
      {"storage_nmemb", to_string(o.storage_nmemb)},
      {"storage_dfunit", to_string(o.storage_dfunit)},
      {"storage_type", o.storage_type},
  };
}

Lines watching_lines(const FlaredOptions& o) {
  const int concurrency = o.cluster_replication_concurrency;
  return {
      {"thread_pool_size", to_string(o.thread_pool_size)},
      {"proxy_prior_netmask", to_string(o.proxy_prior_netmask)},
      {"max_total_thread_queue", to_string(o.max_total_thread_queue)},
      {"time_watcher_enabled", on_or_off(o.time_watcher_enabled)},
      {"time_watcher_polling_interval_msec", to_string(o.time_watcher_polling_interval.count())},
      {"storage_access_watch_threshold_warn_msec", to_string(o.storage_access_watch_threshold_warn.count())},
      {"storage_access_watch_threshold_ping_ng_msec", to_string(o.storage_access_watch_threshold_ping_ng.count())},
      {"cluster_replication", o.cluster_replication ? "1" : "0"},
      {"cluster_replication_server_name", o.cluster_replication_server_name},
      {"cluster_replication_server_port", to_string(o.cluster_replication_server_port)},
      {"cluster_replication_concurrency", to_string(concurrency == 0 ? o.proxy_concurrency : concurrency)},
      {"cluster_replication_mode",
       o.cluster_replication_mode == ClusterReplicationMode::forward ? "forward" : "duplicate"},
  };
}

Lines lines_of_the_original(const FlaredOptions& options) {
  auto lines = daemon_lines(options);
  for (auto part : {storage_lines(options), watching_lines(options)}) {
    for (auto& line : part) lines.push_back(std::move(line));
  }
  return lines;
}

std::string with_underscores(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

void append_line(std::string& text, const std::string& name, const std::string& value) {
  const auto label = name + ":";
  text += label;
  text.append(label.size() > label_width ? 1 : label_width - label.size(), ' ');
  text += value + "\r\n";
}

}  // namespace

std::string variables_text(const FlaredOptions& options) {
  std::string text;
  auto done = shown_otherwise;
  for (const auto& [name, value] : lines_of_the_original(options)) {
    append_line(text, name, value);
    done.insert(name);
  }
  for (const auto& [name, value] : shown_options(options)) {
    // The name of a door is its operator's word: it stays as it is written.
    const auto shown = name.starts_with("door.") ? name : with_underscores(name);
    if (!done.contains(shown)) append_line(text, shown, value);
  }
  return text.append(reply::end);
}

}  // namespace flare
