#include "common/protocol/proxy_prefix.h"

#include <gtest/gtest.h>

#include <string>

namespace flare {
namespace {

struct Case {
  const char* prefix;
  std::size_t names;
  const char* last;
  std::size_t own;  // times of a:1
};

class ProxyPrefix : public testing::TestWithParam<Case> {};

TEST_P(ProxyPrefix, IsTakenApart) {
  const auto& row = GetParam();
  EXPECT_EQ(prefix_name_count(row.prefix), row.names);
  EXPECT_EQ(last_prefix_name(row.prefix), row.last);
  EXPECT_EQ(prefix_count_of(row.prefix, "a:1"), row.own);
}

TEST(RestoringPrefix, IsTheFirstNameOnly) {
  EXPECT_TRUE(is_restoring("restore"));
  EXPECT_TRUE(is_restoring("restore,a:1"));
  for (const auto* other : {"", "restored", "a:1", "a:1,restore"}) EXPECT_FALSE(is_restoring(other)) << other;
}

TEST(CopyingPrefix, TellsWhichNodeOfTheOtherClusterSentIt) {
  EXPECT_EQ(copied_by("copy,a:1"), "a:1");
  EXPECT_EQ(copied_by("copy,a:1,b:2"), "a:1");
  EXPECT_TRUE(is_copying("copy"));
  EXPECT_EQ(copied_by("copy"), "");
  for (const auto* other : {"", "copying", "a:1", "a:1,copy"}) {
    EXPECT_FALSE(is_copying(other)) << other;
    EXPECT_EQ(copied_by(other), "") << other;
  }
}

INSTANTIATE_TEST_SUITE_P(Cluster_5_2, ProxyPrefix,
                         testing::Values(Case{"", 0, "", 0}, Case{"a:1", 1, "a:1", 1}, Case{"x", 1, "x", 0},
                                         Case{"b:2,a:1", 2, "a:1", 1}, Case{"a:1,b:2,a:1", 3, "a:1", 2},
                                         Case{"a:12,ba:1", 2, "ba:1", 0}, Case{",", 0, "", 0},
                                         Case{"a:1,", 1, "a:1", 1}, Case{",,b:2", 1, "b:2", 0}));

TEST(ProxyPrefixText, GetsTheOwnNameAtItsEnd) {
  OutputBuffer out;
  append_prefix(out, "", "a:1");
  append_prefix(out, "b:2", "a:1");
  EXPECT_EQ(out.view(), "<a:1><b:2,a:1>");
}

}  // namespace
}  // namespace flare
