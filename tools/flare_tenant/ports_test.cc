#include "flare_tenant/ports.h"

#include <gtest/gtest.h>

#include "flare_tenant/daemon_state.h"
#include "flare_tenant/test_tenants.h"

namespace flare::tenant {
namespace {

const auto all_free = [](int) { return true; };

TEST(PortChoice, BeginsWithTheUsualPortsAndGoesOnInTens) {
  EXPECT_EQ(choose_ports({}, all_free), (PortPair{12120, 12121}));
  EXPECT_EQ(choose_ports(ports_in_configs({tenant_at("user-a", 12120)}), all_free), (PortPair{12130, 12131}));
}

TEST(PortChoice, PassesOverPortsThatAConfigNamesOrSomebodyListensOn) {
  EXPECT_EQ(choose_ports({12121}, all_free), (PortPair{12130, 12131}));
  EXPECT_EQ(choose_ports({12121}, [](int port) { return port != 12130; }), (PortPair{12140, 12141}));
}

TEST(PortChoice, CountsPortsOfDoorsAndOfIndexesElsewhere) {
  const auto ports = ports_in_configs(
      {tenant_at("user-a", 12120, "door.web.port = 12130\n"),
       {.name = "user-b",
        .daemons = {daemon_of(Kind::node, "user-b", "server-port = 12151\nindex-servers = h:12140")}}});
  EXPECT_EQ(ports, (std::set<int>{12120, 12121, 12130, 12140, 12151}));
}

TEST(PortChoice, SaysSoWhenNothingIsFree) {
  EXPECT_EQ(choose_ports({}, [](int) { return false; }), std::nullopt);
}

struct HolderCase {
  const char* text;
  pid_t pid;  // -1: refused
};
class LockText : public testing::TestWithParam<HolderCase> {};

TEST_P(LockText, NamesAProcessAboveOneOrNone) {
  const auto holder = parse_holder(GetParam().text);
  EXPECT_EQ(holder ? holder->pid : -1, GetParam().pid);
}

INSTANTIATE_TEST_SUITE_P(Texts, LockText,
                         testing::Values(HolderCase{"flared 123", 123}, HolderCase{"flared 1", -1},
                                         HolderCase{"flared 0", -1}, HolderCase{"flared -1", -1},
                                         HolderCase{"flared 12x", -1}, HolderCase{"flared", -1}, HolderCase{"", -1}));

}  // namespace
}  // namespace flare::tenant
