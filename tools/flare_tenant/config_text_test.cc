#include "flare_tenant/config_text.h"

#include <gtest/gtest.h>

#include "flare_tenant/create.h"
#include "flare_tenant/daemon_file.h"

namespace flare::tenant {
namespace {

Plan plan_of_a() {
  Plan plan;
  plan.name = "user-a";
  plan.index_port = 12120;
  plan.node_port = 12121;
  return plan;
}

TEST(ConfigText, AlwaysNamesTheTenantAndReadsBackAsPlanned) {
  auto plan = plan_of_a();
  plan.quotas = {{"max-items", "7"}};
  plan.access = {{"client-allow-from", "10.0.0.0/8,unix"}};
  const auto index = parse_daemon_file(Kind::index, index_config(plan));
  const auto node = parse_daemon_file(Kind::node, node_config(plan));
  ASSERT_TRUE(index && node);
  for (const auto* file : {&*index, &*node}) {
    EXPECT_EQ(file->tenant, "user-a");
    EXPECT_EQ(file->bind(), "127.0.0.1");
    EXPECT_EQ(file->access, plan.access);
  }
  EXPECT_EQ(index->port(), 12120);
  EXPECT_EQ(node->port(), 12121);
  EXPECT_EQ(index->data_dir, "/var/lib/flare/user-a/flarei");
  EXPECT_EQ(node->data_dir, "/var/lib/flare/user-a/flared");
  EXPECT_EQ(node->indexes, (std::vector<HostPort>{{"127.0.0.1", 12120}}));
  EXPECT_EQ(node->quotas, plan.quotas);
}

TEST(ConfigText, OfANodeAloneNamesTheIndexElsewhere) {
  auto plan = plan_of_a();
  plan.elsewhere = HostPort{"192.168.12.151", 12130};
  EXPECT_EQ(parse_daemon_file(Kind::node, node_config(plan))->indexes,
            (std::vector<HostPort>{{"192.168.12.151", 12130}}));
}

TEST(UnitDropIn, AllowsItsOwnPortOnly) {
  const auto text = unit_drop_in(plan_of_a(), Kind::node);
  EXPECT_NE(text.find("SocketBindAllow=tcp:12121\nSocketBindDeny=tcp:1-65535\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("IPAddress"), std::string::npos) << "no list: everybody may come";
  EXPECT_EQ(text.find("MemoryMax"), std::string::npos);
}

TEST(UnitDropIn, AllowsThePeersOfItsListsOnlyIfAllClassesHaveOne) {
  auto plan = plan_of_a();
  plan.memory_max = "512M";
  plan.access = {{"client-allow-from", "10.0.0.0/8,unix"}, {"cluster-allow-from", "192.168.12.0/24"}};
  EXPECT_EQ(unit_drop_in(plan, Kind::node).find("IPAddress"), std::string::npos);
  plan.access["admin-allow-from"] = "127.0.0.1";
  const auto text = unit_drop_in(plan, Kind::node);
  EXPECT_NE(text.find("IPAddressDeny=any\nIPAddressAllow=localhost 10.0.0.0/8 127.0.0.1 192.168.12.0/24\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("MemoryMax=512M\n"), std::string::npos);
  plan.server_name = "node.example";  // its address is the resolver's to say, which must be reachable
  EXPECT_EQ(unit_drop_in(plan, Kind::node).find("IPAddress"), std::string::npos);
}

struct PlanCase {
  const char* what;
  void (*change)(Plan& plan);
};
void PrintTo(const PlanCase& plan_case, std::ostream* out) { *out << plan_case.what; }
class WrongPlan : public testing::TestWithParam<PlanCase> {};

TEST_P(WrongPlan, IsRefusedBeforeAnythingIsWritten) {
  auto plan = plan_of_a();
  ASSERT_FALSE(check_plan(plan).has_value());
  GetParam().change(plan);
  EXPECT_TRUE(check_plan(plan).has_value());
}

INSTANTIATE_TEST_SUITE_P(
    Values, WrongPlan,
    testing::Values(PlanCase{"no address", [](Plan& plan) { plan.address = "host.example"; }},
                    PlanCase{"any address without a name", [](Plan& plan) { plan.address = "0.0.0.0"; }},
                    PlanCase{"line end in the name", [](Plan& plan) { plan.server_name = "a\nuser = root"; }},
                    PlanCase{"comment in the name", [](Plan& plan) { plan.server_name = "a#b"; }},
                    PlanCase{"option as account", [](Plan& plan) { plan.user = "-x"; }},
                    PlanCase{"relative root", [](Plan& plan) { plan.roots.data = "var"; }},
                    PlanCase{"comment in a root", [](Plan& plan) { plan.roots.data = "/var/#1"; }},
                    PlanCase{"quota of nothing", [](Plan& plan) { plan.quotas["max-items"] = "0"; }},
                    PlanCase{"quota in words", [](Plan& plan) { plan.quotas["max-items"] = "many"; }},
                    PlanCase{"unit where none is", [](Plan& plan) { plan.quotas["max-items"] = "1K"; }},
                    PlanCase{"list of names", [](Plan& plan) { plan.access["admin-allow-from"] = "host"; }},
                    PlanCase{"no buckets", [](Plan& plan) { plan.bucket_size = "0"; }},
                    PlanCase{"memory in words", [](Plan& plan) { plan.memory_max = "half\nUser=root"; }},
                    PlanCase{"nothing to do", [](Plan& plan) { plan.index = plan.node = false; }}));

}  // namespace
}  // namespace flare::tenant
