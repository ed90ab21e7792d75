#include "flare_status/status.h"

#include <gtest/gtest.h>

#include "flare_status/status_report.h"
#include "flare_status/target.h"

namespace flare::status {
namespace {

NodeRow row(const std::string& key, const std::string& role, int balance, int partition,
            std::optional<std::uint64_t> items, const std::string& state = "active") {
  return {.key = key, .role = role, .state = state, .balance = balance, .partition = partition, .items = items};
}

std::vector<NodeRow> tenant_a() {
  return {row("192.168.12.152:12121", "master", 1, 0, 1), row("192.168.12.153:12121", "slave", 1, 0, 1),
          row("192.168.12.154:12121", "proxy", 0, -1, 0)};
}

TEST(StatusTable, IsTheOneOfToolsMd7) {
  EXPECT_EQ(format_table(tenant_a()),
            " server:port            role     state   balance  partition  items\n"
            "--------------------------------------------------------------------\n"
            " 192.168.12.152:12121   master   active     1         0          1\n"
            " 192.168.12.153:12121   slave    active     1         0          1\n"
            " 192.168.12.154:12121   proxy    active     0        -1          0\n"
            "--------------------------------------------------------------------\n"
            " sum                                                             2\n");
}

TEST(StatusTable, LeavesASilentNodeOutOfTheSum) {
  auto rows = tenant_a();
  rows[1].items.reset();
  const auto table = format_table(rows);
  EXPECT_NE(table.find(" 192.168.12.153:12121   slave    active     1         0          -\n"), std::string::npos);
  EXPECT_NE(table.find(" sum                                                             1\n"), std::string::npos);
}

TEST(StatusTable, EndsItsColumnsAt45And55And66) {
  const auto table = format_table({row("h:1", "master", 7, 8, 9)});
  const auto line = table.substr(table.find(" h:1"));
  EXPECT_EQ(line[44], '7');
  EXPECT_EQ(line[54], '8');
  EXPECT_EQ(line[65], '9');
  EXPECT_EQ(line[66], '\n');
}

TEST(StatusAnswers, GiveTheNodesInTheirOrder) {
  const auto rows = parse_nodes({"STAT a:10:role master", "STAT a:10:state active", "STAT a:10:partition 0",
                                 "STAT a:10:balance 3", "STAT a:10:thread_type 16", "STAT a:9:role proxy",
                                 "STAT a:9:state down", "STAT a:9:partition -1", "END"});
  ASSERT_TRUE(rows.has_value());
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ(rows->at(0).key, "a:10");
  EXPECT_EQ(rows->at(0).balance, 3);
  EXPECT_EQ(rows->at(1).partition, -1);
  EXPECT_EQ(rows->at(1).state, "down");
}

TEST(StatusAnswers, AreRefusedWhenCutOrForeign) {
  EXPECT_FALSE(parse_nodes({}).has_value());
  EXPECT_FALSE(parse_nodes({"STAT a:10:role master"}).has_value());
  EXPECT_FALSE(parse_nodes({"STAT pid 7", "END"}).has_value());
  EXPECT_FALSE(parse_nodes({"STAT a:10:balance many", "END"}).has_value());
}

TEST(StatusAnswers, GiveTheItems) {
  EXPECT_EQ(parse_items({"STAT pid 4", "STAT curr_items 12", "END"}), std::optional<std::uint64_t>{12});
  EXPECT_EQ(parse_items({"STAT pid 4", "END"}), std::nullopt);
  EXPECT_EQ(parse_items({}), std::nullopt);
}

TEST(StatusFaults, AreNoneInAHealthyCluster) { EXPECT_TRUE(find_faults(tenant_a()).empty()); }

TEST(StatusFaults, NameNodesThatAreDownOrSilent) {
  auto rows = tenant_a();
  rows[1] = row("b:2", "proxy", 0, -1, 4, "down");
  rows[2].items.reset();
  EXPECT_EQ(find_faults(rows), (std::vector<std::string>{"b:2 is down", "192.168.12.154:12121 does not answer"}));
}

TEST(StatusFaults, NameASalvagedNodeUntilItIsAcknowledged) {
  auto rows = tenant_a();
  rows.front().salvaged = parse_salvaged({"STAT curr_items 4", "STAT salvaged_at 1", "STAT salvaged_proven 10",
                                          "STAT salvaged_doubtful 2", "STAT salvaged_lost 3", "END"});
  EXPECT_EQ(find_faults(rows),
            std::vector<std::string>{rows.front().key + " was salvaged after a stop of its machine: 10 records proven, "
                                                        "2 doubtful, 3 lost"});
  EXPECT_EQ(parse_salvaged({"STAT salvaged_proven 1", "STAT salvaged_doubtful 0", "STAT salvaged_lost 0",
                            "STAT salvaged_discarded_entries 7", "STAT salvaged_missing_entries 0"}),
            "salvaged after a stop of its machine: 1 records proven, 0 doubtful, 0 lost, 7 entries of the log behind a "
            "gap");
  EXPECT_EQ(parse_salvaged({"STAT curr_items 4", "END"}), "");
}

TEST(StatusFaults, NameAPartitionWithoutMaster) {
  EXPECT_EQ(find_faults({row("a:1", "slave", 1, 0, 4)}), std::vector<std::string>{"partition 0 has no master"});
  EXPECT_EQ(find_faults({row("a:1", "master", 1, 1, 4)}), std::vector<std::string>{"partition 0 has no master"});
}

TEST(StatusJson, HasNullForASilentNode) {
  const auto json = to_json({.index = "i:1", .rows = {row("a:1", "master", 1, 0, std::nullopt)}, .error = {}});
  EXPECT_TRUE(json["nodes"][0]["items"].is_null());
  EXPECT_EQ(json["healthy"], false);
  EXPECT_EQ(json["sum"], 0);
}

struct TargetCase {
  const char* text;
  std::optional<Target> target;
};

class StatusTarget : public testing::TestWithParam<TargetCase> {};

TEST_P(StatusTarget, IsPortOrHostAndPort) { EXPECT_EQ(parse_target(GetParam().text), GetParam().target); }

INSTANTIATE_TEST_SUITE_P(Texts, StatusTarget,
                         testing::Values(TargetCase{"12120", Target{"127.0.0.1", 12120}},
                                         TargetCase{"index.example:12130", Target{"index.example", 12130}},
                                         TargetCase{"0", std::nullopt}, TargetCase{"65536", std::nullopt},
                                         TargetCase{":1", std::nullopt}, TargetCase{"h:", std::nullopt},
                                         TargetCase{"x", std::nullopt}, TargetCase{"1x", std::nullopt},
                                         TargetCase{"", std::nullopt}));

}  // namespace
}  // namespace flare::status
