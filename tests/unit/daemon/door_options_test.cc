#include "common/daemon/door_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "unit/daemon/options_support.h"

/// Options of doors (docs/security.md), in the file and on the command line, for both daemons.
namespace flare::test {
namespace {

template <class Options>
class DoorOptions : public testing::Test {
 protected:
  TempDir folder;
  Result<Options, StartFailure> from_file(const std::string& lines, const Words& words = {}) {
    write_file(folder / "x.conf", lines);
    Words all{"-f", folder / "x.conf"};
    all.insert(all.end(), words.begin(), words.end());
    return parse_with_required<Options>(folder, all);
  }
};
using BothDaemons = testing::Types<FlareiOptions, FlaredOptions>;
TYPED_TEST_SUITE(DoorOptions, BothDaemons);

const std::string web =
    "door.web.port = 7001\ndoor.web.bind = 127.0.0.1, ::1\ndoor.web.allow = 10.0.0.0/8, unix\n"
    "door.web.classes = data, admin\n";

TYPED_TEST(DoorOptions, MakeTheMainDoorWithoutAnyOption) {
  const auto options = parse_with_required<TypeParam>(this->folder, {});
  ASSERT_TRUE(options) << options.error().text;
  const auto doors = doors_of(*options);
  ASSERT_EQ(doors.size(), 1U);
  EXPECT_EQ(doors[0].name, "server-port");
  EXPECT_EQ(doors[0].port, options->server_port);
  EXPECT_EQ(doors[0].open_to_all(), AccessClasses::all());
}

TYPED_TEST(DoorOptions, MakeNamedDoorsFromTheFile) {
  const auto options = this->from_file("client-allow-from = 10.0.0.0/8\nbind-address = 127.0.0.1\n" + web);
  ASSERT_TRUE(options) << options.error().text;
  const auto doors = doors_of(*options);
  ASSERT_EQ(doors.size(), 2U);
  EXPECT_EQ(doors[0].bind, (Words{"127.0.0.1"}));
  EXPECT_EQ(doors[0].open_to_all(), AccessClass::cluster | AccessClass::admin);
  EXPECT_EQ(doors[1].name, "web");
  EXPECT_EQ(doors[1].port, 7001);
  EXPECT_EQ(doors[1].bind, (Words{"127.0.0.1", "::1"}));
  EXPECT_EQ(doors[1].classes, AccessClass::read | AccessClass::data | AccessClass::admin);
  EXPECT_EQ(doors[1].granted_to(*parse_peer_address("10.1.1.1")), doors[1].classes);
  EXPECT_TRUE(doors[1].granted_to(*parse_peer_address("11.1.1.1")).empty());
  EXPECT_EQ(value_of(shown_options(*options), "door.web.allow"), "10.0.0.0/8, unix");
}

TYPED_TEST(DoorOptions, SayWhichSpeakTls) {
  const std::string files = "tls-certificate = c.pem\ntls-key = /k.pem\ntls-ca = /ca.pem\n";
  const auto clients = this->from_file(files + web + "door.web.tls = yes\n");
  ASSERT_TRUE(clients) << clients.error().text;
  EXPECT_EQ(doors_of(*clients)[0].tls, DoorTls::none);
  EXPECT_EQ(doors_of(*clients)[1].tls, DoorTls::server);
  EXPECT_EQ(tls_files(*clients).certificate, (std::filesystem::current_path() / "c.pem").string());
  EXPECT_EQ(tls_files(*clients).key, "/k.pem");

  const auto daemons = this->from_file(files + web + "cluster-tls = yes\n");
  ASSERT_TRUE(daemons) << daemons.error().text;
  EXPECT_EQ(doors_of(*daemons)[0].tls, DoorTls::mutual);
  EXPECT_TRUE(doors_of(*daemons)[0].open_to_all().empty()) << "to those with a certificate only";
  EXPECT_EQ(doors_of(*daemons)[1].tls, DoorTls::none);
}

TYPED_TEST(DoorOptions, OfTheCommandLineWinOverTheFile) {
  const auto options = this->from_file(web, {"--door.web.port=7002", "--door.web.classes", "cluster"});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_EQ(doors_of(*options)[1].port, 7002);
  EXPECT_EQ(doors_of(*options)[1].classes, AccessClasses{AccessClass::cluster});
}

TYPED_TEST(DoorOptions, AreRefusedWithFileAndLine) {
  const std::pair<std::string, std::string> cases[] = {
      {"door.web.port = 0\n", "x.conf:1: option 'door.web.port': value '0': must be a number from 1 to 65535"},
      {"door.web.classes = data\n", "option 'door.web.port': is required"},
      {"door.web.port = 7001\n", "option 'door.web.classes': is required"},
      {web + "door.web.port = 7002\n", "x.conf:5: option 'door.web.port': given twice"},
      {"door.Web.port = 7001\n", "x.conf:1: option 'door.Web.port': value '7001': 'Web' is no name for a door"},
      {"door.NAME.port = 7001\n", "'NAME' is no name for a door"},
      {"door.server-port.port = 7001\n", "not server-port"},
      {"door.web.key = 1\n", "x.conf:1: option 'door.web.key': unknown"},
      {"door.port = 1\n", "x.conf:1: option 'door.port': unknown"},
      {"door.a.b.port = 1\n", "x.conf:1: option 'door.a.b.port': unknown"},
      {"door..port = 1\n", "x.conf:1: option 'door..port': unknown"},
      {"door.web.bind = localhost\n", "'localhost' is no numeric IPv4 or IPv6 address"},
      {"door.web.allow = 10.0.0.1/8\n", "write 10.0.0.0/8"},
      {"door.web.allow =\n", "is empty: name addresses"},
      {web + "door.web.tls = perhaps\n", "x.conf:5: option 'door.web.tls': value 'perhaps': must be one of true"},
      {web + "door.web.tls = yes\n", "option 'tls-certificate': is required with door.NAME.tls, and tls-key too"},
      {"cluster-tls = yes\n", "option 'tls-certificate': is required with cluster-tls"},
      {"tls-certificate = /c\n", "option 'tls-key': is required beside tls-certificate"},
      {"tls-key = /k\n", "option 'tls-certificate': is required beside tls-key"},
      {"tls-key = /k\ntls-certificate = /c\ncluster-tls = yes\n", "option 'tls-ca': is required with cluster-tls"},
      {"door.web.classes = root\n", "must be a list of data, cluster, admin"},
      {"server-port = 7001\n" + web, "port 7001 on the same address belongs to door server-port already"},
      {"client-allow-from =\n", "x.conf:1: option 'client-allow-from': value '': is empty"},
  };
  for (const auto& [lines, reason] : cases) {
    const auto options = this->from_file(lines);
    ASSERT_FALSE(options) << lines;
    EXPECT_EQ(options.error().exit_code, ExitCode::configuration) << lines;
    EXPECT_NE(options.error().text.find(reason), std::string::npos) << options.error().text;
  }
}

TYPED_TEST(DoorOptions, UnknownOnesOfTheCommandLineAreUsageErrors) {
  const auto options = parse_with_required<TypeParam>(this->folder, {"--door.web.key=1"});
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().exit_code, ExitCode::usage);
}

TYPED_TEST(DoorOptions, HaveABound) {
  std::string lines;
  for (std::size_t i = 0; i <= doors_max; ++i) {
    const auto name = "door.d" + std::to_string(i);
    lines += name + ".port = " + std::to_string(7000 + i) + "\n" + name + ".classes = data\n";
  }
  const auto options = this->from_file(lines);
  ASSERT_FALSE(options);
  EXPECT_NE(options.error().text.find("doors are named"), std::string::npos) << options.error().text;
}

TYPED_TEST(DoorOptions, ListsAndClassesAreReadAgainByHangup) {
  const auto in_force = this->from_file("client-allow-from = 10.0.0.1\n" + web);
  ASSERT_TRUE(in_force) << in_force.error().text;
  auto changed = web;
  changed.replace(changed.find("10.0.0.0/8, unix"), 16, "none");
  changed.replace(changed.find("7001"), 4, "7002");
  write_file(this->folder / "x.conf", "admin-allow-from = unix\n" + changed);
  const auto reread = ParserOf<TypeParam>::reread(*in_force);
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_EQ(reread->changed, (Words{"client-allow-from", "admin-allow-from", "door.web.allow"}));
  EXPECT_EQ(reread->need_restart, (Words{"door.web.port"}));
  EXPECT_EQ(reread->options.doors.at("web").port, 7001);
  EXPECT_EQ(reread->options.doors.at("web").allow, "none");
  EXPECT_EQ(reread->options.client_allow_from, "");
}

TYPED_TEST(DoorOptions, AFileOfUsersNeedsAListForClassCluster) {
  const std::string users = "auth-file = /etc/flare/users\n";
  const auto open = this->from_file(users);
  ASSERT_FALSE(open);
  EXPECT_THAT(open.error().text, testing::HasSubstr("auth-file"));
  EXPECT_THAT(open.error().text, testing::HasSubstr("cluster-allow-from"));
  const auto named =
      this->from_file(users + "cluster-allow-from = none\ndoor.x.port = 7001\ndoor.x.classes = cluster\n");
  ASSERT_FALSE(named);
  EXPECT_THAT(named.error().text, testing::HasSubstr("door.x.allow"));
  const auto good = this->from_file(users + "cluster-allow-from = 127.0.0.1\n" + web);
  ASSERT_TRUE(good) << good.error().text;
  EXPECT_EQ(good->auth_file, "/etc/flare/users");
  for (const auto& door : doors_of(*good)) EXPECT_EQ(door.to_be_proven, users_prove);
  EXPECT_EQ(doors_of(*good, AccessClass::admin)[0].to_be_proven, AccessClasses{AccessClass::admin});
}

// Half of a door's options must never be in force: a door that lost its allow would be open to all.
TYPED_TEST(DoorOptions, ADoorComesAndGoesByRestartOnly) {
  const auto in_force = this->from_file(web);
  ASSERT_TRUE(in_force);
  write_file(this->folder / "x.conf", "door.new.port = 7002\ndoor.new.classes = data\n");
  const auto reread = ParserOf<TypeParam>::reread(*in_force);
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_TRUE(reread->changed.empty());
  EXPECT_EQ(reread->options.doors, in_force->doors);
  EXPECT_EQ(reread->need_restart,
            (Words{"door.web.port", "door.web.bind", "door.web.allow", "door.web.classes", "door.web.tls",
                   "door.new.port", "door.new.allow", "door.new.classes", "door.new.tls"}));
}

}  // namespace
}  // namespace flare::test
