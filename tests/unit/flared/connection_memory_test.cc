// max-connection-memory: what sessions may hold while they wait.
#include "flared/connection_memory.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

constexpr std::size_t mib = 1024 * 1024;

TEST(ConnectionMemory, IsTakenUpToItsMaximumAndGivenBack) {
  ConnectionMemory memory;
  memory.change_max(16 * mib);
  MemoryAccount account{memory, 2};
  EXPECT_TRUE(account.take(16 * mib));
  EXPECT_FALSE(account.take(1));
  EXPECT_EQ(memory.used(), 16 * mib);
  account.give(16 * mib);
  EXPECT_EQ(memory.used(), 0U);
  EXPECT_TRUE(account.take(1));
}

// An eighth of all, divided among the workers, is each worker's own.
TEST(ConnectionMemory, ThatOneWorkerFillsLeavesASmallShareToTheOthers) {
  ConnectionMemory memory;
  memory.change_max(16 * mib);
  MemoryAccount full{memory, 2}, other{memory, 2};
  ASSERT_TRUE(full.take(16 * mib));
  EXPECT_TRUE(other.take(mib));
  EXPECT_FALSE(other.take(1));
  EXPECT_FALSE(full.take(1));
  EXPECT_EQ(memory.used(), 17 * mib);
}

TEST(ConnectionMemory, ThatIsLoweredRefusesUntilEnoughIsGivenBack) {
  ConnectionMemory memory;
  MemoryAccount account{memory, 1};
  ASSERT_TRUE(account.take(64 * mib));
  memory.change_max(16 * mib);
  EXPECT_FALSE(account.take(1));
  account.give(60 * mib);
  EXPECT_TRUE(account.take(12 * mib));
}

}  // namespace
}  // namespace flare
