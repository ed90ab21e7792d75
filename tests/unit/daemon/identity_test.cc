// docs/design.md 5: whose a data-dir is.
#include "common/daemon/identity.h"

#include <gmock/gmock.h>

#include "support/temp_dir.h"

namespace flare::test {
namespace {

using testing::HasSubstr;

const std::string cluster_x(32, 'a');
const std::string cluster_y(32, 'b');
const DaemonIdentity node_of_a{DaemonKind::node, {cluster_x, "user-a"}, "h1:12121"};

class Lines final : public Log {
 public:
  void write(Level, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

TEST(IdentityText, IsReadBackAlike) {
  const DaemonIdentity index_of_nobody{DaemonKind::index, {"", ""}, "h:12120"};
  for (const auto& identity : {node_of_a, index_of_nobody}) {
    const auto parsed = parse_identity(identity_text(identity));
    ASSERT_TRUE(parsed) << parsed.error();
    EXPECT_EQ(*parsed, identity);
  }
}

TEST(IdentityText, BeginsWithItsFormat) { EXPECT_TRUE(identity_text(node_of_a).starts_with("flare-identity 1\n")); }

struct BadText {
  const char* text;
  const char* complaint;
};
class RefusedIdentity : public testing::TestWithParam<BadText> {};

TEST_P(RefusedIdentity, SaysWhatIsWrong) {
  const auto parsed = parse_identity(GetParam().text);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error(), HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(Texts, RefusedIdentity,
                         testing::Values(BadText{"", "no identity file"}, BadText{"hello\n", "no identity file"},
                                         BadText{"flare-identity 2\n", "format 'flare-identity 2' is not known"},
                                         BadText{"flare-identity 1\nkind flarex\n", "'kind'"},
                                         BadText{"flare-identity 1\nkind flared\nname h:1\ncluster abc\n", "'cluster'"},
                                         BadText{"flare-identity 1\nkind flared\ncolour red\n", "colour red"},
                                         BadText{"flare-identity 1\nkind flared\ntenant\n", "'tenant'"},
                                         BadText{"flare-identity 1\nkind flared\n", "'name'"}));

struct Start {
  const char* name;
  DaemonIdentity kept;
  DaemonIdentity starting;
  bool fits;
};
class Mismatch : public testing::TestWithParam<Start> {};

TEST_P(Mismatch, NamesBothSides) {
  const auto& [name, kept, starting, fits] = GetParam();
  const auto sentence = identity_mismatch(kept, starting);
  ASSERT_EQ(!sentence, fits);
  if (fits) return;
  EXPECT_THAT(*sentence, HasSubstr(to_text(kept.cluster)));
  EXPECT_THAT(*sentence, HasSubstr(to_text(starting.cluster)));
  EXPECT_THAT(*sentence, HasSubstr(kept.name));
  EXPECT_THAT(*sentence, HasSubstr(starting.name));
}

constexpr auto node = DaemonKind::node;
constexpr auto index = DaemonKind::index;
INSTANTIATE_TEST_SUITE_P(
    Design_5, Mismatch,
    testing::Values(Start{"Itself", node_of_a, {node, {"", "user-a"}, "h1:12121"}, true},
                    Start{"TenantNamedLater", {node, {cluster_x, ""}, "h:1"}, {node, {"", "user-a"}, "h:1"}, true},
                    Start{"TenantNoLongerNamed", node_of_a, {node, {"", ""}, "h1:12121"}, false},
                    Start{"AnotherTenant", node_of_a, {node, {"", "user-b"}, "h1:12121"}, false},
                    Start{"AnotherName", node_of_a, {node, {"", "user-a"}, "h2:12121"}, false},
                    Start{"AnotherPort", node_of_a, {node, {"", "user-a"}, "h1:12122"}, false},
                    Start{"AnotherKind", node_of_a, {index, {"", "user-a"}, "h1:12121"}, false},
                    Start{"AnotherCluster", node_of_a, {node, {cluster_y, "user-a"}, "h1:12121"}, false},
                    Start{"IndexOnAnotherHost", {index, {cluster_x, ""}, "h1:1"}, {index, {"", ""}, "h2:1"}, true},
                    Start{"IndexOnAnotherPort", {index, {cluster_x, ""}, "h1:1"}, {index, {"", ""}, "h1:2"}, false}),
    [](const auto& tested) { return tested.param.name; });

class DataDirIdentity : public testing::Test {
 protected:
  [[nodiscard]] std::string directory() const { return folder_.path().string(); }

  TempDir folder_;
  IdentityFile file_{"flared", directory()};
  Lines log_;
};

TEST_F(DataDirIdentity, OfAFreeDirectoryIsTheStartersAndNothingIsWritten) {
  const auto checked = file_.check(node_of_a);
  ASSERT_TRUE(checked) << checked.error().text;
  EXPECT_EQ(*checked, node_of_a);
  EXPECT_TRUE(std::filesystem::is_empty(directory()));
}

TEST_F(DataDirIdentity, IsKeptAndAdoptedOnceWithOneLine) {
  ASSERT_TRUE(file_.keep(node_of_a, log_));
  ASSERT_TRUE(file_.keep(node_of_a, log_));
  EXPECT_THAT(log_.lines, testing::ElementsAre(HasSubstr("is adopted")));
  const auto checked = file_.check({node, {"", "user-a"}, "h1:12121"});
  ASSERT_TRUE(checked) << checked.error().text;
  EXPECT_EQ(*checked, node_of_a) << "the cluster id is remembered";
}

TEST_F(DataDirIdentity, OfAnotherIsAConfigurationErrorThatNamesTheDirectory) {
  ASSERT_TRUE(file_.keep(node_of_a, log_));
  const auto refused = file_.check({node, {"", "user-b"}, "h1:12122"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_code, ExitCode::configuration);
  for (const auto& part : {directory(), std::string{"user-a"}, std::string{"user-b"}}) {
    EXPECT_THAT(refused.error().text, HasSubstr(part));
  }
}

TEST_F(DataDirIdentity, OfAnUnknownFormatIsRefusedByItsName) {
  write_file(folder_.path() / "identity", "flare-identity 99\n");
  const auto refused = file_.check(node_of_a);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().exit_code, ExitCode::configuration);
  EXPECT_THAT(refused.error().text, HasSubstr("flare-identity 99"));
  EXPECT_FALSE(file_.keep(node_of_a, log_)) << "and never overwritten";
}

TEST_F(DataDirIdentity, OfAnOriginalIsKnownByItsFiles) {
  write_file(folder_.path() / "flare.xml", "");
  EXPECT_FALSE(file_.check(node_of_a));
  EXPECT_TRUE(IdentityFile("flarei", directory()).check({index, {"", ""}, "h:12120"}));
}

TEST(RandomIds, AreLongAndNew) {
  EXPECT_TRUE(is_cluster_id(random_cluster_id()));
  EXPECT_NE(random_cluster_id(), random_cluster_id());
  EXPECT_EQ(random_start_id().size(), 16U);
}

}  // namespace
}  // namespace flare::test
