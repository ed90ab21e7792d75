#include "flare_tenant/firewall.h"

#include <gtest/gtest.h>

#include "flare_tenant/test_tenants.h"

namespace flare::tenant {
namespace {

TEST(Firewall, ClosesPortsWithoutListsToOtherMachines) {
  EXPECT_EQ(
      firewall_rules(tenant_at("user-a", 12120), {}),
      "# Tenant user-a, printed by flare-tenant. Load: nft -f FILE. Take away: nft delete table inet flare-user-a\n"
      "table inet flare-user-a\n"
      "flush table inet flare-user-a\n"
      "table inet flare-user-a {\n"
      "  chain input {\n"
      "    type filter hook input priority filter; policy accept;\n"
      "    iifname \"lo\" accept\n"
      "    # flarei\n"
      "    # no list names a network: only this machine; add others with --allow\n"
      "    tcp dport 12120 drop\n"
      "    # flared\n"
      "    # no list names a network: only this machine; add others with --allow\n"
      "    tcp dport 12121 drop\n"
      "  }\n"
      "}\n");
}

TEST(Firewall, AdmitsTheNetworksOfAllListsAndThoseOfTheCommandLine) {
  const auto tenant = tenant_at("user-a", 12120,
                                "client-allow-from = 10.0.0.0/8, fd00::/8, unix\n"
                                "cluster-allow-from = 192.168.12.0/24\n");
  const auto rules = firewall_rules(tenant, *parse_allow_list("172.16.0.1"));
  EXPECT_NE(rules.find("    tcp dport 12121 ip saddr { 10.0.0.0/8, 172.16.0.1, 192.168.12.0/24 } accept\n"
                       "    tcp dport 12121 ip6 saddr { fd00::/8 } accept\n"
                       "    tcp dport 12121 drop\n"),
            std::string::npos)
      << rules;
  EXPECT_NE(rules.find("    tcp dport 12120 ip saddr { 172.16.0.1 } accept\n"), std::string::npos) << rules;
}

TEST(Firewall, AdmitsEverybodyWhereTheListSaysAll) {
  const auto rules = firewall_rules(tenant_at("user-a", 12120, "client-allow-from = all\n"), {});
  EXPECT_NE(rules.find("    # flared\n    tcp dport 12121 accept\n"), std::string::npos) << rules;
}

TEST(Firewall, HasARuleForEachDoor) {
  const auto rules =
      firewall_rules(tenant_at("user-a", 12120, "door.web.port = 12191\ndoor.web.allow = 10.1.0.0/16\n"), {});
  EXPECT_NE(rules.find("    # flared, door web\n    tcp dport 12191 ip saddr { 10.1.0.0/16 } accept\n"),
            std::string::npos)
      << rules;
}

}  // namespace
}  // namespace flare::tenant
