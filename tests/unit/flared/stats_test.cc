#include "flared/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flared/stats_settings.h"

namespace flare {
namespace {

std::vector<std::string> names_of(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(line.size() + 2);
    const auto begin = line.find(' ');
    if (begin == std::string_view::npos) continue;
    names.emplace_back(line.substr(begin + 1, line.find(' ', begin + 1) - begin - 1));
  }
  return names;
}

TEST(GeneralStats, NamesTheLinesOfTheOriginalInItsOrder) {
  EXPECT_THAT(
      names_of(general_stats({}, CounterSums{{}})),
      testing::ElementsAre(
          "pid", "uptime", "time", "version", "pointer_size", "rusage_user", "rusage_system", "curr_items",
          "total_items", "bytes", "curr_connections", "total_connections", "connection_structures", "cmd_get",
          "cmd_set", "get_hits", "get_misses", "delete_hits", "delete_misses", "incr_hits", "incr_misses", "decr_hits",
          "decr_misses", "cas_hits", "cas_misses", "cas_badval", "touch_hits", "touch_misses", "evictions",
          "bytes_read", "bytes_written", "limit_maxbytes", "threads", "pool_threads", "node_map_version",
          // behind them what memcached has beyond the original
          "max_connections", "rejected_connections", "cmd_flush", "cmd_touch", "reclaimed", "accepting_conns",
          "listen_disabled_num", "disk_full", "refused_disk_full", "damaged_records", "store_rewrites",
          "store_rewrite_progress"));  // ours
}

TEST(GeneralStats, SumsTheWorkers) {
  Counters first, second;
  first.cmd_get.add(2);
  second.cmd_get.add(3);
  EXPECT_THAT(general_stats({}, CounterSums{{&first, &second}}), testing::HasSubstr("STAT cmd_get 5\r\n"));
}

// Each counter has one writer: a reset may not write it.
TEST(ResetOfStats, LeavesOutWhatWasCountedBeforeAndWritesNoWorkersCounter) {
  Counters worker, at_reset;
  const std::vector<const Counters*> workers{&worker};
  const auto told = [&](Counter Counters::*member) { return CounterSums{workers, &at_reset}.of(member); };
  worker.cmd_get.add(5);
  worker.curr_connections.add(2);
  worker.turns.add(3);
  remember_for_reset(workers, at_reset);
  EXPECT_EQ(told(&Counters::cmd_get), 0U);
  EXPECT_EQ(told(&Counters::curr_connections), 2U);
  EXPECT_EQ(worker.cmd_get.get(), 5U);
  worker.cmd_get.add(4);
  EXPECT_EQ(told(&Counters::cmd_get), 4U);
  remember_for_reset(workers, at_reset);
  worker.cmd_get.add(1);
  EXPECT_EQ(told(&Counters::cmd_get), 1U);
}

TEST(ConnectionStats, HasThreeLinesForEachConnectionAsMemcached) {
  EXPECT_EQ(connection_stats({{7, 1, "127.0.0.1:5", "get", 3, "wait"}, {8, 1, "::1:6", "", 0, "execute"}}),
            "STAT 7:addr tcp:127.0.0.1:5\r\nSTAT 7:state conn_read\r\nSTAT 7:secs_since_last_cmd 3\r\n"
            "STAT 8:addr tcp6:[::1]:6\r\nSTAT 8:state conn_parse_cmd\r\nSTAT 8:secs_since_last_cmd 0\r\nEND\r\n");
}

TEST(ConnectionStats, TellTheTransportOfAUnixSocketByItsPath) {
  for (const std::string path : {"/run/flare.sock", "/run/a:b.sock", "flare.sock"}) {
    EXPECT_TRUE(connection_stats({{7, 1, path, "", 0, "wait"}}).starts_with("STAT 7:addr unix:" + path + "\r\n"))
        << path;
  }
}

TEST(SettingsStats, UseMemcachedsNamesAndTellNoPathAndNoList) {
  FlaredOptions options;
  options.server_port = 12345;
  options.max_value_bytes = 1'048'576;
  options.threads = 3;
  options.data_dir = "/secret";
  options.server_socket = "/secret/socket";
  options.admin_allow_from = "192.0.2.1";
  const auto text = settings_stats(options);
  for (const auto* line : {"STAT maxconns 10000\r\n", "STAT tcpport 12345\r\n", "STAT inter NULL\r\n",
                           "STAT item_size_max 1048576\r\n", "STAT num_threads 3\r\n", "STAT idle_timeout 600\r\n",
                           "STAT cas_enabled yes\r\n", "STAT auth_enabled_ascii no\r\n"}) {
    EXPECT_THAT(text, testing::HasSubstr(line));
  }
  EXPECT_THAT(text, testing::Not(testing::AnyOf(testing::HasSubstr("secret"), testing::HasSubstr("192.0.2.1"))));
}

TEST(ThreadStats, HasEightLinesForEachRow) {
  EXPECT_EQ(thread_stats({{7, 1, "127.0.0.1:5", "get", 3, "wait"}}),
            "STAT 7:type 1\r\nSTAT 7:peer 127.0.0.1:5\r\nSTAT 7:op get\r\nSTAT 7:uptime 3\r\nSTAT 7:state wait\r\n"
            "STAT 7:info \r\nSTAT 7:queue 0\r\nSTAT 7:behind 0\r\nEND\r\n");
}

}  // namespace
}  // namespace flare
