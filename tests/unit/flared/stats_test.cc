#include "flared/stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
      names_of(general_stats({}, {})),
      testing::ElementsAre("pid", "uptime", "time", "version", "pointer_size", "rusage_user", "rusage_system",
                           "curr_items", "total_items", "bytes", "curr_connections", "total_connections",
                           "connection_structures", "cmd_get", "cmd_set", "get_hits", "get_misses", "delete_hits",
                           "delete_misses", "incr_hits", "incr_misses", "decr_hits", "decr_misses", "cas_hits",
                           "cas_misses", "cas_badval", "touch_hits", "touch_misses", "evictions", "bytes_read",
                           "bytes_written", "limit_maxbytes", "threads", "pool_threads", "node_map_version"));
}

TEST(GeneralStats, SumsTheWorkers) {
  Counters first, second;
  first.cmd_get.add(2);
  second.cmd_get.add(3);
  EXPECT_THAT(general_stats({}, {&first, &second}), testing::HasSubstr("STAT cmd_get 5\r\n"));
}

TEST(ThreadStats, HasEightLinesForEachRow) {
  EXPECT_EQ(thread_stats({{7, 1, "127.0.0.1:5", "get", 3, "wait"}}),
            "STAT 7:type 1\r\nSTAT 7:peer 127.0.0.1:5\r\nSTAT 7:op get\r\nSTAT 7:uptime 3\r\nSTAT 7:state wait\r\n"
            "STAT 7:info \r\nSTAT 7:queue 0\r\nSTAT 7:behind 0\r\nEND\r\n");
}

}  // namespace
}  // namespace flare
