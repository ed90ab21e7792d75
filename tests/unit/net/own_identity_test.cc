// docs/design.md 5: what a running daemon says and hears of who it is.
#include "common/net/own_identity.h"

#include <gmock/gmock.h>

namespace flare::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string cluster_x(32, 'a');
const std::string cluster_y(32, 'b');

class Lines final : public Log {
 public:
  void write(Level, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

std::string words(const std::string& cluster, const std::string& tenant) { return cluster + " " + tenant + " n:1 s1"; }

class Identity : public testing::Test {
 protected:
  OwnIdentity make(ClusterIdentity own, bool required = false) {
    OwnIdentity::Setup setup;
    setup.hello = {std::move(own), NodeKey{"me:2"}, "s2"};
    setup.required = required;
    setup.keep = [this](const ClusterIdentity& cluster) -> Result<void, std::string> {
      kept_.push_back(cluster);
      return {};
    };
    return OwnIdentity{std::move(setup), log_};
  }

  Lines log_;
  std::vector<ClusterIdentity> kept_;
};

TEST_F(Identity, AnswersKinWithItsOwn) {
  auto identity = make({cluster_x, "user-a"});
  const auto answer = identity.answer_hello(words(cluster_x, "user-a"), "10.0.0.1:5");
  EXPECT_TRUE(answer.kin);
  EXPECT_EQ(answer.line, "HELLO " + cluster_x + " user-a me:2 s2\r\n");
  EXPECT_EQ(answer.start_id, "s1");
}

TEST_F(Identity, RefusesAForeignerNamingBothAndLogsItOnce) {
  auto identity = make({cluster_x, ""});
  for (const auto* peer : {"10.0.0.1:5", "10.0.0.1:6", "10.0.0.1:7"}) {
    const auto answer = identity.answer_hello(words(cluster_y, "-"), peer);
    EXPECT_FALSE(answer.kin);
    EXPECT_THAT(answer.line, StartsWith("SERVER_ERROR foreign cluster"));
    EXPECT_THAT(answer.line, HasSubstr(cluster_x));
    EXPECT_THAT(answer.line, HasSubstr(cluster_y));
  }
  EXPECT_EQ(log_.lines.size(), 1U);
  EXPECT_FALSE(identity.answer_hello(words(cluster_y, "-"), "10.0.0.2:5").kin);
  EXPECT_EQ(log_.lines.size(), 2U) << "another peer";
}

TEST_F(Identity, LearnsNothingFromHello) {
  auto identity = make({"", ""});
  EXPECT_TRUE(identity.answer_hello(words(cluster_x, "-"), "10.0.0.1:5").kin);
  EXPECT_EQ(identity.cluster().cluster, "");
  EXPECT_TRUE(kept_.empty());
}

TEST_F(Identity, AdoptsOneClusterIdOnceAndKeepsIt) {
  auto identity = make({"", "user-a"});
  EXPECT_TRUE(identity.adopt(""));
  EXPECT_TRUE(identity.adopt(cluster_x));
  EXPECT_TRUE(identity.adopt(cluster_x));
  EXPECT_FALSE(identity.adopt(cluster_y));
  EXPECT_EQ(kept_, std::vector{(ClusterIdentity{cluster_x, "user-a"})});
}

TEST_F(Identity, BecomesAnotherByAnOperatorsWordAndKeepsIt) {
  auto identity = make({cluster_x, "user-a"});
  EXPECT_TRUE(identity.become(cluster_y));
  EXPECT_EQ(identity.cluster(), (ClusterIdentity{cluster_y, "user-a"}));
  EXPECT_EQ(kept_, std::vector{(ClusterIdentity{cluster_y, "user-a"})});
  EXPECT_TRUE(identity.answer_hello(words(cluster_y, "user-a"), "10.0.0.1:5").kin);
}

TEST_F(Identity, TellsAForeignerOfItsOwnTenantFromOthers) {
  const auto other_cluster = [this](const char* own_tenant, const char* told) {
    auto identity = make({cluster_x, own_tenant});
    const auto answer = identity.answer_hello(words(cluster_y, told), "10.0.0.1:5");
    EXPECT_FALSE(answer.kin);
    return answer.other_cluster;
  };
  EXPECT_EQ(other_cluster("user-a", "user-a"), cluster_y);
  EXPECT_EQ(other_cluster("user-a", "user-b"), "");
  EXPECT_EQ(other_cluster("user-a", "-"), "");
  EXPECT_EQ(other_cluster("", "-"), "") << "without a tenant's name nothing tells a lost index from a foreign one";
}

TEST_F(Identity, IsRequiredOfOthersByOption) {
  EXPECT_TRUE(make({cluster_x, ""}).answer_hello(words("-", "-"), "p:1").kin);
  EXPECT_FALSE(make({cluster_x, ""}, true).answer_hello(words("-", "-"), "p:1").kin);
}

struct Answer {
  const char* name;
  std::string answer;
  bool required;
  bool good;
  bool foreign;
};
class HelloAnswer : public testing::TestWithParam<Answer> {};

TEST_P(HelloAnswer, IsJudged) {
  const OwnGreeting own{{{cluster_x, ""}, NodeKey{"me:2"}, "s2"}, GetParam().required};
  const auto judged = judge_hello_answer(GetParam().answer, own, NodeKey{"n:1"});
  EXPECT_EQ(judged.has_value(), GetParam().good);
  if (judged) return;
  EXPECT_EQ(judged.error().foreign, GetParam().foreign) << judged.error().text;
}

INSTANTIATE_TEST_SUITE_P(
    Design_5, HelloAnswer,
    testing::Values(Answer{"OfKin", "HELLO " + words(cluster_x, "-"), true, true, false},
                    Answer{"OfAnotherCluster", "HELLO " + words(cluster_y, "-"), false, false, true},
                    Answer{"OfAnotherNode", "HELLO " + cluster_x + " - other:1 s1", false, false, true},
                    Answer{"ARefusal", "SERVER_ERROR foreign cluster: this is ...", false, false, true},
                    Answer{"OfOneThatKnowsNoHello", "ERROR", false, true, false},
                    Answer{"OfOneThatKnowsNoHelloButMust", "ERROR", true, false, true},
                    Answer{"ABusyOne", "SERVER_ERROR busy", false, false, false},
                    Answer{"Nonsense", "HELLO x", false, false, false}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace flare::test
