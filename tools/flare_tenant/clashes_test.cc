#include "flare_tenant/clashes.h"

#include <gtest/gtest.h>

#include "flare_tenant/test_tenants.h"

namespace flare::tenant {
namespace {

bool has(const std::vector<Finding>& findings, bool error, const std::string& part) {
  for (const auto& finding : findings) {
    if (finding.error == error && finding.text.find(part) != std::string::npos) return true;
  }
  return false;
}

std::vector<Tenant> with_node_of_b(const std::string& lines) {
  auto tenants = std::vector{tenant_at("user-a", 12120), tenant_at("user-b", 12130)};
  tenants[1].daemons[1] = daemon_of(Kind::node, "user-b", lines);
  return tenants;
}

const std::string good_b =
    "server-name = 127.0.0.1\nbind-address = 127.0.0.1\nserver-port = 12131\nindex-servers = 127.0.0.1:12130\n";

TEST(Clashes, AreNoneBetweenTenantsWithPortsAndDirectoriesOfTheirOwn) {
  EXPECT_TRUE(find_clashes(with_node_of_b(good_b)).empty());
}

struct Clash {
  const char* lines;
  bool error;
  const char* sentence;
};
class PlantedClash : public testing::TestWithParam<Clash> {};

TEST_P(PlantedClash, IsFoundAndNamesBothSides) {
  const auto findings = find_clashes(with_node_of_b(GetParam().lines));
  EXPECT_TRUE(has(findings, GetParam().error, GetParam().sentence)) << testing::PrintToString(findings.size());
}

INSTANTIATE_TEST_SUITE_P(
    Hazards, PlantedClash,
    testing::Values(
        Clash{"bind-address = 127.0.0.1\nserver-port = 12121\nindex-servers = 127.0.0.1:12130\n", true,
              "port 127.0.0.1:12121: flared of user-a and flared of user-b both listen there"},
        Clash{"server-port = 12120\nindex-servers = 127.0.0.1:12130\n", true,
              "flarei of user-a and flared of user-b both listen there"},
        Clash{"server-port = 12131\nindex-servers = 127.0.0.1:12130\ndoor.web.port = 12121\n", true, "port "},
        Clash{"server-port = 12131\nindex-servers = 127.0.0.1:12120\n", true,
              "index 127.0.0.1:12120: flared of user-b names it, but it is the flarei of user-a"},
        Clash{"server-port = 12131\nindex-servers = 127.0.0.1:12130\ndata-dir = /var/lib/flare/user-a/flared\n", true,
              "data-dir /var/lib/flare/user-a/flared: flared of user-a and flared of user-b share it"},
        Clash{"server-port = 12131\nindex-servers = 127.0.0.1:12130\ndata-dir = /var/lib/flare/user-a/flared/x\n", true,
              "share it"},
        Clash{"server-port = 12131\nindex-servers = 127.0.0.1:12130\ndata-dir = data\n", true, "is relative"},
        Clash{"server-port = 12131\nindex-servers = 127.0.0.1:12130\ntenant = user-a\n", true,
              "says tenant = user-a, but lies in the folder of user-b"},
        Clash{"server-port = 12131\nindex-servers = 127.0.0.1:12130\ntenant =\n", false, "no option 'tenant'"},
        Clash{"server-name = 127.0.0.1\nbind-address = 127.0.0.9\nserver-port = 12121\n"
              "index-servers = 127.0.0.1:12130\n",
              true, "name 127.0.0.1:12121: flared of user-a and flared of user-b both have it"},
        Clash{"server-port = 12131\n", true, "names no index"}));

TEST(Clashes, OfPortsNeedAnAddressInCommon) {
  EXPECT_TRUE(find_clashes(with_node_of_b("server-name = 127.0.0.2\nbind-address = 127.0.0.2\nserver-port = 12121\n"
                                          "index-servers = 127.0.0.1:12130\n"))
                  .empty());
}

TEST(Clashes, IncludeSocketsThatTwoDaemonsWant) {
  const auto tenants = std::vector{tenant_at("user-a", 12120, "server-socket = /run/flare.sock\n"),
                                   tenant_at("user-b", 12130, "server-socket = /run/flare.sock\n")};
  EXPECT_TRUE(has(find_clashes(tenants), true, "server-socket /run/flare.sock"));
}

TEST(Clashes, IncludeDirectoriesThatAreMissingOrOpen) {
  auto tenants = with_node_of_b(good_b);
  tenants[0].daemons[0].folder.exists = false;
  tenants[1].daemons[1].folder.private_to_owner = false;
  const auto findings = find_clashes(tenants);
  EXPECT_TRUE(has(findings, true, "does not exist"));
  EXPECT_TRUE(has(findings, false, "chmod 700"));
}

TEST(Clashes, IncludeFilesThatCannotBeRead) {
  auto tenants = with_node_of_b(good_b);
  tenants[0].faults = {"/etc/flare/user-a/flared.conf: line 3: nonsense"};
  EXPECT_TRUE(has(find_clashes(tenants), true, "line 3"));
}

TEST(OpenDoors, AreWarnedOfForEachList) {
  auto tenants = with_node_of_b("server-port = 12131\nindex-servers = 127.0.0.1:12130\nclient-allow-from = unix\n");
  const auto findings = find_open_doors(tenants);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_TRUE(has(findings, false, "cluster-allow-from of flared of user-b"));
  EXPECT_TRUE(has(findings, false, "admin-allow-from of flared of user-b"));
}

}  // namespace
}  // namespace flare::tenant
