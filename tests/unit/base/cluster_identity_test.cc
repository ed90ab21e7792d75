// docs/design.md 5: who may deal with whom.
#include "common/base/cluster_identity.h"

#include <gtest/gtest.h>

namespace flare::test {
namespace {

const std::string cluster_x(32, 'a');
const std::string cluster_y(32, 'b');

struct Case {
  const char* name;
  ClusterIdentity own;
  ClusterIdentity peer;
  Kinship kinship;
};

class KinshipOf : public testing::TestWithParam<Case> {};

TEST_P(KinshipOf, FollowsTheTable) { EXPECT_EQ(kinship(GetParam().own, GetParam().peer), GetParam().kinship); }

INSTANTIATE_TEST_SUITE_P(
    Design_5, KinshipOf,
    testing::Values(Case{"OneCluster", {cluster_x, ""}, {cluster_x, ""}, Kinship::same},
                    Case{"OneClusterAndTenant", {cluster_x, "a"}, {cluster_x, "a"}, Kinship::same},
                    Case{"ATenantNamedOneByOne", {cluster_x, "a"}, {cluster_x, ""}, Kinship::same},
                    Case{"ATenantNamedOneByOneTheOtherWay", {cluster_x, ""}, {cluster_x, "a"}, Kinship::same},
                    Case{"TwoClusters", {cluster_x, ""}, {cluster_y, ""}, Kinship::foreign},
                    Case{"TwoClustersOfOneTenant", {cluster_x, "a"}, {cluster_y, "a"}, Kinship::foreign},
                    Case{"TwoTenantsInOneCluster", {cluster_x, "a"}, {cluster_x, "b"}, Kinship::foreign},
                    Case{"FreshNodeOfTheTenant", {cluster_x, "a"}, {"", "a"}, Kinship::unknown},
                    Case{"FreshNodeOfAnotherTenant", {cluster_x, "b"}, {"", "a"}, Kinship::foreign},
                    Case{"FreshNodeAtItsIndex", {"", "a"}, {cluster_x, "a"}, Kinship::unknown},
                    Case{"FreshNodeAtAnotherIndex", {"", "a"}, {cluster_x, "b"}, Kinship::foreign},
                    Case{"NamedNodeAtAnUnnamedIndex", {"", "a"}, {cluster_x, ""}, Kinship::foreign},
                    Case{"UnnamedNodeAtANamedIndex", {"", ""}, {cluster_x, "b"}, Kinship::foreign},
                    Case{"UnnamedFreshNodeAnywhere", {"", ""}, {cluster_x, ""}, Kinship::unknown},
                    Case{"AnOriginal", {cluster_x, "a"}, {"", ""}, Kinship::unknown}),
    [](const auto& tested) { return tested.param.name; });

TEST(ClusterIdText, IsHexOfOneLength) {
  EXPECT_TRUE(is_cluster_id("0123456789abcdef0123456789abcdef"));
  for (const auto* bad : {"", "0123", "0123456789abcdef0123456789abcdeg", "0123456789ABCDEF0123456789abcdef",
                          "0123456789abcdef0123456789abcdef0"}) {
    EXPECT_FALSE(is_cluster_id(bad)) << bad;
  }
}

TEST(ClusterIdentityText, NamesBothParts) {
  EXPECT_EQ(to_text(ClusterIdentity{cluster_x, "user-a"}), "cluster " + cluster_x + " of tenant user-a");
  EXPECT_EQ(to_text(ClusterIdentity{}), "a cluster not known yet without a tenant's name");
}

}  // namespace
}  // namespace flare::test
