#include "flare_tenant/access.h"

#include <gtest/gtest.h>

namespace flare::tenant {
namespace {

struct ListCase {
  const char* text;
  bool taken;
  bool everybody;
};
class AllowListText : public testing::TestWithParam<ListCase> {};

TEST_P(AllowListText, IsTakenOrRefused) {
  const auto list = parse_allow_list(GetParam().text);
  ASSERT_EQ(list.has_value(), GetParam().taken) << GetParam().text;
  EXPECT_EQ(list.has_value() && list->everybody(), GetParam().everybody) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Texts, AllowListText,
    testing::Values(ListCase{"192.168.12.152", true, false}, ListCase{"10.0.0.0/8, fd00::/8,unix", true, false},
                    ListCase{"all", true, true}, ListCase{"none", true, false}, ListCase{"0.0.0.0/0", true, true},
                    ListCase{"::/0", true, true}, ListCase{"", false, false}, ListCase{"10.0.0.0/33", false, false},
                    ListCase{"10.0.0.0/", false, false}, ListCase{"10.0.0.0/-1", false, false},
                    ListCase{"fd00::/129", false, false}, ListCase{"host.example", false, false},
                    ListCase{"10.0.0.1,,10.0.0.2", false, false}, ListCase{"10.0.0.1, all", false, false}));

DaemonFile daemon(const std::string& more) {
  return *parse_daemon_file(Kind::node, "data-dir = /d\nserver-port = 12121\n" + more);
}

TEST(EffectiveAccess, IsOpenWithoutListsOnAnAddressOthersReach) {
  const auto lines = effective_access(daemon("bind-address = 192.168.12.152\n"));
  ASSERT_EQ(lines.size(), 3U);
  for (const auto& line : lines) EXPECT_TRUE(line.open) << line.list;
}

TEST(EffectiveAccess, IsThisMachineOnlyWhenBoundToLoopback) {
  for (const auto& line : effective_access(daemon("bind-address = 127.0.0.1\n"))) {
    EXPECT_FALSE(line.open) << line.list;
    EXPECT_NE(line.who.find("this machine"), std::string::npos);
  }
}

TEST(EffectiveAccess, FollowsTheListOfEachClass) {
  const auto lines = effective_access(daemon("client-allow-from = 10.0.0.0/8\nadmin-allow-from = none\n"));
  EXPECT_EQ(lines[0].who, "10.0.0.0/8");
  EXPECT_FALSE(lines[0].open);
  EXPECT_TRUE(lines[1].open) << "no list for cluster";
  EXPECT_EQ(lines[2].who, "nobody");
}

TEST(EffectiveAccess, CallsAListThatAdmitsEverybodyOpen) {
  EXPECT_TRUE(effective_access(daemon("client-allow-from = 0.0.0.0/0\n"))[0].open);
}

TEST(EffectiveAccess, NamesDoorsToo) {
  const auto lines = effective_access(daemon(
      "door.web.port = 12191\ndoor.web.bind = 192.168.12.152\ndoor.tls.port = 12192\ndoor.tls.allow = fd00::/8\n"));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[3].list, "door.web.allow");
  EXPECT_TRUE(lines[3].open);
  EXPECT_EQ(lines[4].who, "fd00::/8");
}

}  // namespace
}  // namespace flare::tenant
