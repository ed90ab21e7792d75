#include "flared/recent_writes.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

TEST(RecentWrites, ForgetAfterAWhile) {
  RecentWrites writes;
  EXPECT_FALSE(writes.any(100));
  writes.add(7, 100);
  EXPECT_TRUE(writes.any(101));
  EXPECT_TRUE(writes.contains(7, 101));
  EXPECT_FALSE(writes.contains(8, 101));
  EXPECT_FALSE(writes.contains(7, 100 + RecentWrites::kept_s));
  EXPECT_FALSE(writes.any(100 + RecentWrites::kept_s));
}

TEST(RecentWrites, TakeEveryKeyAsRecentWhenThereAreTooMany) {
  RecentWrites writes;
  for (std::uint32_t hash = 0; hash < 40; ++hash) writes.add(hash, 100);
  EXPECT_TRUE(writes.contains(0, 101));    // forgotten, and so every key counts
  EXPECT_TRUE(writes.contains(999, 101));
  EXPECT_FALSE(writes.contains(999, 100 + RecentWrites::kept_s));
}

TEST(RecentWrites, OverwriteOldEntriesWithoutSideEffects) {
  RecentWrites writes;
  for (std::uint32_t hash = 0; hash < 40; ++hash) writes.add(hash, 100 + hash * 10);
  EXPECT_FALSE(writes.contains(999, 100 + 39 * 10));
}

}  // namespace
}  // namespace flare
