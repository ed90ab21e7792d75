// daemons.md 3.6: overwrites and deletes leave a file below twice its records, with durability = interval.
#include <random>
#include <thread>

#include "unit/storage/storage_helpers.h"

namespace flare {
namespace {

class Patterns : public testing::Test {
 protected:
  static constexpr int keys = 5000;

  Patterns() : storage_(opened(folder_)), empty_bytes_(storage_->figures().file_bytes) {}

  static std::unique_ptr<KyotoStorage> opened(KyotoFolder& folder) {
    folder.options.durability = Durability::interval;
    return folder.open();
  }

  void store(int key, std::size_t bytes) {
    set(*storage_, "key-" + std::to_string(key), std::string(bytes, 'x'));
    sizes_[key] = bytes;
  }
  void remove(int key) {
    ASSERT_TRUE(run(*storage_, {.kind = OperationKind::remove, .key = "key-" + std::to_string(key)}));
    sizes_.erase(key);
  }
  std::uint64_t live() const {
    std::uint64_t total = 0;
    for (const auto& [key, bytes] : sizes_) total += bytes + 28 + 8;
    return total;
  }
  std::uint64_t used() const { return storage_->figures().file_bytes - empty_bytes_; }

  // By itself, while nobody writes.
  bool gets_below_twice_the_live() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (used() >= 2 * live() + 4096) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  void expect_all_there() { EXPECT_EQ(contents_of(*storage_).size(), sizes_.size()); }

  KyotoFolder folder_;
  std::unique_ptr<KyotoStorage> storage_;
  std::uint64_t empty_bytes_;
  std::map<int, std::size_t> sizes_;
  std::mt19937 random_{7};
};

TEST_F(Patterns, StayBelowTwiceTheLiveData) {
  for (int key = 0; key < keys; ++key) store(key, 1000);
  for (int round = 0; round < 2; ++round) {
    for (int key = 0; key < keys; ++key) store(key, 1000);
  }
  EXPECT_LT(used(), 1.2 * static_cast<double>(live())) << "the same sizes stay in their places";
  for (int round = 0; round < 5; ++round) {
    for (int key = 0; key < keys; ++key) store(key, 500 + random_() % 1000);
  }
  EXPECT_TRUE(gets_below_twice_the_live()) << used() << " of " << live();
  expect_all_there();
  for (int key = 0; key < keys; ++key) {
    if (key % 4 != 0) remove(key);
  }
  EXPECT_TRUE(gets_below_twice_the_live()) << used() << " of " << live();
  expect_all_there();
  for (int key = 0; key < keys; key += 4) remove(key);
  EXPECT_TRUE(gets_below_twice_the_live()) << used() << " of " << live();
  for (int key = 0; key < keys; ++key) store(key, 1000);
  EXPECT_LT(used(), 1.2 * static_cast<double>(live()));
  expect_all_there();
}

TEST_F(Patterns, AreLeftAloneWhileAScanRuns) {
  for (int key = 0; key < keys; ++key) store(key, 1000);
  {
    const auto scan = storage_->begin_scan();
    ASSERT_TRUE(scan);
    for (int key = 0; key < keys; key += 2) remove(key);
    const auto before = storage_->figures();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (storage_->figures().checkpoints < before.checkpoints + 2 && std::chrono::steady_clock::now() < deadline) {
      store(1, 1000);
    }
    EXPECT_EQ(storage_->figures().file_bytes, before.file_bytes);
  }
  store(1, 1000);
  EXPECT_TRUE(gets_below_twice_the_live());
}

TEST_F(Patterns, SurviveAStartInBetween) {
  for (int round = 0; round < 3; ++round) {
    for (int key = 0; key < keys; ++key) store(key, 200 + random_() % 2000);
    storage_.reset();
    storage_.reset(folder_.open().release());
    ASSERT_NE(storage_, nullptr) << folder_.failure;
    expect_all_there();
  }
}

}  // namespace
}  // namespace flare
