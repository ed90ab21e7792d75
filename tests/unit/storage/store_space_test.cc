#include "flared/storage/store_space.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace flare {
namespace {

// A file that grows by what is claimed, and the blocks that it has.
struct PlayedFile {
  std::atomic<std::uint64_t> size{0};
  std::uint64_t blocks = 0;
  std::uint64_t disk = 1 << 20;
  int calls = 0;
  SpaceAhead ahead{1000, [this] { return size.load(); }};
  ReserveSpace reserve = [this](int, std::uint64_t offset, std::uint64_t bytes) {
    ++calls;
    if (offset != blocks || blocks + bytes > disk) return ENOSPC;
    blocks += bytes;
    return 0;
  };

  int write(std::uint64_t claimed, std::uint64_t grown) {
    if (const int error = ahead.claim(0, claimed, reserve)) return error;
    size += grown;
    EXPECT_LE(size, blocks);
    ahead.settle(claimed);
    return 0;
  }
};

TEST(SpaceAhead, TakesBlocksInStepsBeforeTheFileGrows) {
  PlayedFile file;
  for (int i = 0; i < 10; ++i) ASSERT_EQ(file.write(100, 100), 0);
  EXPECT_EQ(file.calls, 1);
  ASSERT_EQ(file.write(100, 100), 0);
  EXPECT_EQ(file.calls, 2);
  ASSERT_EQ(file.write(5000, 5000), 0);
  EXPECT_GE(file.blocks, file.size);
}

TEST(SpaceAhead, GivesBackWhatWasClaimedAndNotNeeded) {
  PlayedFile file;
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(file.write(900, 0), 0);
  EXPECT_EQ(file.calls, 1);
}

TEST(SpaceAhead, TakesTheLastBlocksAndThenRefusesUntilThereAreMore) {
  PlayedFile file;
  file.disk = 1500;
  ASSERT_EQ(file.write(1400, 1400), 0) << "a step does not fit, what is needed does";
  EXPECT_EQ(file.write(200, 200), ENOSPC);
  EXPECT_EQ(file.write(50, 50), 0);
  file.disk = 4000;
  EXPECT_EQ(file.write(200, 200), 0);
}

TEST(SpaceAhead, CoversAFileLargerThanItsBlocks) {
  PlayedFile file;
  file.size = 5000;
  file.ahead.restart(0);
  ASSERT_EQ(file.write(10, 10), 0);
  EXPECT_GE(file.blocks, 5010U);
}

TEST(SpaceAhead, HoldsWithManyWritersAtOnce) {
  PlayedFile file;
  file.disk = std::uint64_t{1} << 40;
  std::vector<std::thread> writers;
  std::atomic<int> refused{0};
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&] {
      for (int i = 0; i < 50'000; ++i) {
        if (file.ahead.claim(0, 300, file.reserve) != 0) ++refused;
        file.size += 100;
        file.ahead.settle(300);
      }
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(refused, 0);
  EXPECT_GE(file.blocks, file.size.load());
  EXPECT_LE(file.blocks, file.size + 10'000);
}

}  // namespace
}  // namespace flare
