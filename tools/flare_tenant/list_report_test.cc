#include "flare_tenant/list_report.h"

#include <gtest/gtest.h>

namespace flare::tenant {
namespace {

TenantFigures user_a() {
  return {
      .name = "user-a",
      .daemons = {{Kind::index, "127.0.0.1", 12120, 101}, {Kind::node, "127.0.0.1", 12121, 102}},
      .nodes =
          {{.key = "127.0.0.1:12121", .role = "master", .state = "active", .balance = 1, .partition = 0, .items = 3},
           {.key = "127.0.0.2:12121", .role = "slave", .state = "down", .balance = 0, .partition = 0}},
      .items = 3,
      .bytes = 4096,
      .quotas = {{"max-items", "10"}},
      .warnings = {"127.0.0.2:12121 is down"}};
}

TenantFigures user_b() { return {.name = "b", .daemons = {{Kind::node, "", 12131, {}}}}; }

TEST(TenantList, HasALineForEachTenant) {
  EXPECT_EQ(format_list({user_a(), user_b()}, false),
            "TENANT  INDEX  NODE   STATE    NODES  ITEMS  BYTES  QUOTA         WARNINGS\n"
            "user-a  12120  12121  running  1/2    3      4096   max-items=10  1\n"
            "b       -      12131  stopped  -      -      -      -             0\n");
}

TEST(TenantList, ShowsWarningsBelowTheirTenant) {
  const auto list = format_list({user_a(), user_b()}, true);
  EXPECT_NE(list.find("max-items=10  1\n  ! 127.0.0.2:12121 is down\nb "), std::string::npos) << list;
}

TEST(TenantList, SaysWhichDaemonIsStopped) {
  auto half = user_a();
  half.daemons[1].pid.reset();
  EXPECT_EQ(state_of(half), "flared stopped");
  half.daemons[0].pid.reset();
  EXPECT_EQ(state_of(half), "stopped");
}

TEST(TenantList, IsWholeInJson) {
  const auto json = list_to_json({user_a(), user_b()})["tenants"];
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["daemons"][1]["pid"], 102);
  EXPECT_EQ(json[0]["nodes"][0]["items"], 3);
  EXPECT_TRUE(json[0]["nodes"][1]["items"].is_null());
  EXPECT_EQ(json[0]["quotas"]["max-items"], "10");
  EXPECT_EQ(json[0]["warnings"][0], "127.0.0.2:12121 is down");
  EXPECT_EQ(json[1]["state"], "stopped");
  EXPECT_TRUE(json[1]["items"].is_null());
}

TEST(TenantList, ReadsNumbersOfStats) {
  EXPECT_EQ(stat_number({"STAT bytes 12", "END"}, "bytes"), 12U);
  EXPECT_EQ(stat_number({"STAT bytes many", "END"}, "bytes"), std::nullopt);
  EXPECT_EQ(stat_number({"END"}, "bytes"), std::nullopt);
}

}  // namespace
}  // namespace flare::tenant
