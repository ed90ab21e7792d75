// docs/security.md, Authentication: the lines of an auth file, and what clients send to log in.
#include "common/protocol/user_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;
using testing::Not;

// Of the password `secret`, made by `openssl passwd -6 -salt salt secret`.
const std::string hash_of_secret =
    "$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00";

TEST(UserTable, HasMemcachedsLinesAndARoleBehind) {
  const auto table = UserTable::parse("# users\nann:pass word\r\n\nbob:b:ro\ncarl:c:rw\ndora:d:admin");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->size(), 4U);
  EXPECT_EQ(*table->find("ann"), (User{"ann", "pass word", UserRole::rw}));
  EXPECT_EQ(table->find("bob")->role, UserRole::ro);
  EXPECT_EQ(table->find("carl")->role, UserRole::rw);
  EXPECT_EQ(table->find("dora")->role, UserRole::admin);
  EXPECT_EQ(table->find("eve"), nullptr);
  EXPECT_EQ(table->any_hash(), nullptr);
}

TEST(UserTable, TakesHashesThatCryptKnows) {
  const auto table = UserTable::parse("ann:" + hash_of_secret + ":admin\nbob:b\n");
  ASSERT_TRUE(table) << table.error().reason;
  EXPECT_TRUE(table->find("ann")->has_hash());
  EXPECT_EQ(table->find("ann")->role, UserRole::admin);
  ASSERT_NE(table->any_hash(), nullptr);
  EXPECT_EQ(*table->any_hash(), hash_of_secret);
}

struct BadFile {
  std::string text;
  int line;
  std::string reason;
};

class BadUserTable : public testing::TestWithParam<BadFile> {};

TEST_P(BadUserTable, IsRefusedWithItsLineAndWithoutItsSecret) {
  const auto table = UserTable::parse(GetParam().text);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().line, GetParam().line);
  EXPECT_THAT(table.error().reason, HasSubstr(GetParam().reason));
  EXPECT_THAT(table.error().reason, Not(HasSubstr("hush")));
}

INSTANTIATE_TEST_SUITE_P(
    AuthFile, BadUserTable,
    testing::Values(BadFile{"", 0, "names no user"}, BadFile{"# nobody\n", 0, "names no user"},
                    BadFile{"a:b\nhush\n", 2, "user:password[:role]"}, BadFile{":hush", 1, "visible bytes"},
                    BadFile{"a b:hush", 1, "visible bytes"}, BadFile{"ann:", 1, "'ann' no password"},
                    BadFile{"ann:hu\tsh", 1, "control bytes"}, BadFile{"ann:hush:root", 1, "ro, rw or admin"},
                    BadFile{"ann:pass:hush", 1, "(no password has a ':')"}, BadFile{"ann:hush:ro:", 1, "ro, rw or"},
                    BadFile{"ann:x\nbob:hush\nann:hush", 3, "'ann' a second time"},
                    BadFile{"ann:$hush", 1, "no method that crypt(3) knows"},
                    BadFile{"ann:$6$hush$short", 1, "is not whole"},
                    BadFile{"ann:" + std::string(256, 'x'), 1, "too long"},
                    BadFile{std::string(300, 'n') + ":hush", 1, "visible bytes"},
                    BadFile{std::string(user_limits::file_bytes_max + 1, '#'), 0, "more than"}));

TEST(UserTable, HoldsAThousandUsersAndNoMore) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "u" + std::to_string(i) + ":p\n";
  EXPECT_TRUE(UserTable::parse(text));
  const auto more = UserTable::parse(text + "one:more\n");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().line, 1001);
}

TEST(UserRole, GivesNeverClassCluster) {
  EXPECT_EQ(classes_of(UserRole::ro), AccessClasses{AccessClass::read});
  EXPECT_EQ(classes_of(UserRole::rw), AccessClass::read | AccessClass::data);
  EXPECT_EQ(classes_of(UserRole::admin), AccessClass::read | AccessClass::data | AccessClass::admin);
}

std::string told(const std::optional<Credentials>& given) {
  return given ? std::string{given->user} + "|" + std::string{given->password} : "none";
}

TEST(Credentials, OfTheTextHandshakeAreUserAndPassword) {
  EXPECT_EQ(told(parse_login("ann secret")), "ann|secret");
  EXPECT_EQ(told(parse_login("ann pass word")), "ann|pass word");
  for (const auto* bad : {"", "ann", "ann ", " secret", "ann se\ncret"})
    EXPECT_EQ(told(parse_login(bad)), "none") << bad;
  EXPECT_EQ(told(parse_login("ann " + std::string(256, 'x'))), "none");
}

TEST(Credentials, OfSaslPlainActForNobodyElse) {
  EXPECT_EQ(told(parse_sasl_plain("\0ann\0secret"sv)), "ann|secret");
  EXPECT_EQ(told(parse_sasl_plain("ann\0ann\0pass word"sv)), "ann|pass word");
  for (const auto bad :
       {""sv, "ann"sv, "\0ann"sv, "\0ann\0"sv, "\0\0secret"sv, "bob\0ann\0secret"sv, "\0ann\0a\0b"sv}) {
    EXPECT_EQ(told(parse_sasl_plain(bad)), "none");
  }
}

}  // namespace
}  // namespace flare
