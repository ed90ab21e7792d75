#include "common/daemon/door_prefix_options.h"

#include <gtest/gtest.h>

#include "common/daemon/door_options.h"
#include "unit/daemon/options_support.h"

/// Doors with a key-prefix (docs/security.md, tenants by key prefix).
namespace flare::test {
namespace {

const std::string user_a = "door.a.port = 7001\ndoor.a.classes = data\ndoor.a.key-prefix = user-a:\n";
const std::string user_b = "door.b.port = 7002\ndoor.b.classes = data\ndoor.b.key-prefix = user-b:\n";

class DoorPrefixOptions : public testing::Test {
 protected:
  Result<FlaredOptions, StartFailure> from_file(const std::string& lines) {
    write_file(folder_ / "x.conf", lines);
    return parse_with_required<FlaredOptions>(folder_, {"-f", folder_ / "x.conf"});
  }
  TempDir folder_;
};

TEST_F(DoorPrefixOptions, MakeADoorOfATenant) {
  const auto options =
      from_file(user_a + user_b + "door.a.max-items = 10\ndoor.a.max-bytes = 1K\n" + "door.a.max-ops-per-second = 5\n");
  ASSERT_TRUE(options) << options.error().text;
  const auto doors = doors_of(*options);
  ASSERT_EQ(doors.size(), 3U);
  EXPECT_EQ(doors[0].key_prefix, "");
  EXPECT_EQ(doors[1].key_prefix, "user-a:");
  EXPECT_EQ(options->doors.at("a").max_items, 10U);
  EXPECT_EQ(options->doors.at("a").max_bytes, 1024U);
  EXPECT_EQ(options->doors.at("a").max_ops_per_second, 5U);
  EXPECT_EQ(value_of(shown_options(*options), "door.a.key-prefix"), "user-a:");
}

TEST_F(DoorPrefixOptions, AreRefusedWithFileAndLine) {
  const std::string door = "door.a.port = 7001\ndoor.a.classes = data\n";
  const auto long_prefix = std::string(65, 'x');
  const std::pair<std::string, std::string> cases[] = {
      {door + "door.a.key-prefix =\n", "x.conf:3: option 'door.a.key-prefix': value '': must be 1 to 64 printable"},
      {door + "door.a.key-prefix = a b\n", "must be 1 to 64 printable ASCII bytes without blanks"},
      {door + "door.a.key-prefix = \xc3\xa4\n", "must be 1 to 64 printable"},
      {door + "door.a.key-prefix = " + long_prefix + "\n", "must be 1 to 64 printable"},
      {door + "door.a.max-items = 1\n", "option 'door.a.max-items': value '1': needs door.a.key-prefix"},
      {door + "door.a.max-bytes = 1\n", "needs door.a.key-prefix"},
      {door + "door.a.max-ops-per-second = 1\n", "needs door.a.key-prefix"},
      {user_a + "door.a.max-items = -1\n", "must be a number from 0 to 281474976710656"},
      {user_a + "door.a.max-bytes = x\n", "must be a size from 0 to"},
      {user_a + user_b + "door.c.port = 7003\ndoor.c.classes = data\ndoor.c.key-prefix = user-\n",
       "option 'door.a.key-prefix': value 'user-a:': begins with the key-prefix 'user-' of door c"},
      {user_a + "door.c.port = 7003\ndoor.c.classes = data\ndoor.c.key-prefix = user-a:\n", "of door c"},
      {"door.a.port = 7001\ndoor.a.classes = data, admin\ndoor.a.key-prefix = a:\n",
       "option 'door.a.classes': value 'data, admin': must be data"},
      {"door.a.port = 7001\ndoor.a.classes = cluster\ndoor.a.key-prefix = a:\n", "must be data"},
      {"max-key-size = 7\n" + user_a, "is as long as the longest key (max-key-size)"},
  };
  for (const auto& [lines, reason] : cases) {
    const auto options = from_file(lines);
    ASSERT_FALSE(options) << lines;
    EXPECT_EQ(options.error().exit_code, ExitCode::configuration) << lines;
    EXPECT_NE(options.error().text.find(reason), std::string::npos) << options.error().text;
  }
}

TEST_F(DoorPrefixOptions, AreNoneOfAnIndex) {
  const TempDir folder;
  write_file(folder / "i.conf", user_a);
  const auto options = parse_with_required<FlareiOptions>(folder, {"-f", folder / "i.conf"});
  ASSERT_FALSE(options);
  EXPECT_NE(options.error().text.find("option 'door.a.key-prefix': unknown"), std::string::npos);
}

TEST_F(DoorPrefixOptions, QuotasAreReadAgainByHangupButNotThePrefix) {
  const auto in_force = from_file(user_a + "door.a.max-items = 10\n");
  ASSERT_TRUE(in_force) << in_force.error().text;
  write_file(folder_ / "x.conf",
             "door.a.port = 7001\ndoor.a.classes = data\ndoor.a.key-prefix = other:\n"
             "door.a.max-items = 20\ndoor.a.max-bytes = 1M\n");
  const auto reread = ParserOf<FlaredOptions>::reread(*in_force);
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_EQ(reread->changed, (Words{"door.a.max-items", "door.a.max-bytes"}));
  EXPECT_EQ(reread->need_restart, (Words{"door.a.key-prefix"}));
  EXPECT_EQ(reread->options.doors.at("a").key_prefix, "user-a:");
  EXPECT_EQ(reread->options.doors.at("a").max_items, 20U);
}

// The file no longer has the prefix, which is in force until a restart: so is what it means.
TEST_F(DoorPrefixOptions, HangupNeverOpensATenantsDoorForMore) {
  const auto in_force = from_file(user_a);
  ASSERT_TRUE(in_force);
  write_file(folder_ / "x.conf", "door.a.port = 7001\ndoor.a.classes = data, cluster, admin\n");
  const auto reread = ParserOf<FlaredOptions>::reread(*in_force);
  ASSERT_TRUE(reread) << reread.error().text;
  EXPECT_EQ(doors_of(reread->options)[1].key_prefix, "user-a:");
  EXPECT_EQ(doors_of(reread->options)[1].classes, AccessClass::read | AccessClass::data);
}

}  // namespace
}  // namespace flare::test
