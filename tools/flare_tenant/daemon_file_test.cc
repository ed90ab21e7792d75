#include "flare_tenant/daemon_file.h"

#include <gtest/gtest.h>

namespace flare::tenant {
namespace {

TEST(DaemonFile, HasTheDefaultsOfTheDaemons) {
  EXPECT_EQ(parse_daemon_file(Kind::index, "data-dir = /d")->port(), 12120);
  EXPECT_EQ(parse_daemon_file(Kind::node, "data-dir = /d")->port(), 12121);
  EXPECT_EQ(parse_daemon_file(Kind::node, "data-dir = /d")->reachable(), (HostPort{"127.0.0.1", 12121}));
}

TEST(DaemonFile, TakesBothFormsOfTheIndex) {
  const auto older = parse_daemon_file(Kind::node, "data-dir = /d\nindex-server-name = i\nindex-server-port = 7\n");
  EXPECT_EQ(older->indexes, (std::vector<HostPort>{{"i", 7}}));
  const auto newer = parse_daemon_file(Kind::node, "data-dir = /d\nindex-servers = i:7, j:8\n");
  EXPECT_EQ(newer->indexes, (std::vector<HostPort>{{"i", 7}, {"j", 8}}));
}

TEST(DaemonFile, MakesADoorForEachOfItsAddresses) {
  const auto file = parse_daemon_file(
      Kind::node, "data-dir = /d\nbind-address = 10.0.0.1\ndoor.web.bind = 10.0.0.2, fd00::2\ndoor.web.port = 7\n");
  EXPECT_EQ(file->doors,
            (std::vector<Door>{{"", "10.0.0.1", 12121, {}}, {"web", "10.0.0.2", 7, {}}, {"web", "fd00::2", 7, {}}}));
}

TEST(DaemonFile, KeepsListsAndQuotas) {
  const auto file =
      parse_daemon_file(Kind::node, "data-dir = /d\nmax-items = 9\nmax-bytes = 1G\nclient-allow-from = unix\n");
  EXPECT_EQ(file->quotas, (std::map<std::string, std::string>{{"max-bytes", "1G"}, {"max-items", "9"}}));
  EXPECT_EQ(file->access, (std::map<std::string, std::string>{{"client-allow-from", "unix"}}));
}

struct BadCase {
  const char* text;
  const char* reason;
};
class BadDaemonFile : public testing::TestWithParam<BadCase> {};

TEST_P(BadDaemonFile, IsRefusedWithWhatIsWrong) {
  const auto file = parse_daemon_file(Kind::node, GetParam().text);
  ASSERT_FALSE(file.has_value()) << GetParam().text;
  EXPECT_NE(file.error().find(GetParam().reason), std::string::npos) << file.error();
}

INSTANTIATE_TEST_SUITE_P(Texts, BadDaemonFile,
                         testing::Values(BadCase{"server-port = 7", "data-dir"},
                                         BadCase{"data-dir = /d\nserver-port = 0", "line 2"},
                                         BadCase{"data-dir = /d\nserver-port = 65536", "line 2"},
                                         BadCase{"data-dir = /d\nserver-port = 1x", "line 2"},
                                         BadCase{"data-dir = /d\nindex-servers = nowhere", "line 2"},
                                         BadCase{"data-dir = /d\ndoor.web.bind = ::1", "'web' has no port"},
                                         BadCase{"data-dir = /d\ndoor.port = 7", "line 2"},
                                         BadCase{"data-dir = /d\nnonsense", "line 2"},
                                         BadCase{"data-dir = /d\ndata-dir = /e", "given twice"}));

}  // namespace
}  // namespace flare::tenant
