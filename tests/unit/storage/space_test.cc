// daemons.md 3.6, all rows: whatever is written, the file is below twice its records, in every mode.
#include <random>
#include <thread>

#include "unit/storage/storage_helpers.h"

namespace flare {
namespace {

class Patterns : public testing::TestWithParam<Durability> {
 protected:
  static constexpr int keys = 20'000;
  static constexpr std::uint64_t left_alone_bytes = 4 * 1024 * 1024;  // RewritePace::waste_bytes_min

  Patterns() : storage_(opened()), empty_bytes_(storage_->figures().file_bytes) {}

  std::unique_ptr<KyotoStorage> opened() {
    folder_.options.buckets = 32'768;
    folder_.options.durability = GetParam();
    return folder_.open();
  }

  void store(int key, std::size_t bytes) {
    const auto name = "key-" + std::to_string(key);
    const Storage::Batch batch{*storage_};
    const auto data = std::string_view{payload_}.substr(0, bytes);
    ASSERT_TRUE(storage_->execute({.kind = OperationKind::set, .key = name, .data = data}, now_s, nullptr));
    ASSERT_TRUE(key % 16 != 0 || storage_->write_log());
    sizes_[key] = bytes;
  }
  void store_all(std::size_t from, std::size_t to) {
    for (int key = 0; key < keys; ++key) store(key, from + random_() % (to - from + 1));
  }
  void remove_all() {
    for (int key = 0; key < keys; ++key) {
      ASSERT_TRUE(run(*storage_, {.kind = OperationKind::remove, .key = "key-" + std::to_string(key)}));
    }
    sizes_.clear();
  }
  std::uint64_t live() const {
    std::uint64_t total = 0;
    for (const auto& [key, bytes] : sizes_) total += bytes + 28 + 8;
    return total;
  }
  std::uint64_t used() const { return storage_->figures().file_bytes - empty_bytes_; }

  // By itself, while nobody writes.
  void expect_below(std::uint64_t bytes, const char* step) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (used() >= bytes) {
      if (std::chrono::steady_clock::now() > deadline) break;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    EXPECT_LT(used(), bytes) << step << ", " << live() << " live";
    EXPECT_EQ(storage_->figures().items, sizes_.size()) << step;
  }

  KyotoFolder folder_;
  const std::string payload_ = std::string(3000, 'x');
  std::unique_ptr<KyotoStorage> storage_;
  std::uint64_t empty_bytes_;
  std::map<int, std::size_t> sizes_;
  std::mt19937 random_{7};
};

TEST_P(Patterns, StayBelowTwiceTheLiveData) {
  store_all(1000, 1000);
  expect_below(live() * 11 / 10, "first write, 1000 bytes each");
  for (int round = 0; round < 5; ++round) store_all(1000, 1000);
  expect_below(live() * 11 / 10, "same size again, 5 times");
  for (int round = 0; round < 5; ++round) store_all(500, 1500);
  expect_below(2 * live(), "sizes 500-1500 at random, 5 times");
  for (int round = 0; round < 3; ++round) store_all(200, 2200);
  expect_below(2 * live(), "other random sizes, 3 times");
  remove_all();
  expect_below(left_alone_bytes, "delete all");
  store_all(1000, 1000);
  expect_below(2 * live(), "write 1000 bytes again");
  ASSERT_TRUE(storage_->flush());
  sizes_.clear();
  expect_below(4096, "flush_all");
  store_all(500, 1500);
  EXPECT_EQ(contents_of(*storage_).size(), sizes_.size());
}

TEST_P(Patterns, SurviveAStartInBetween) {
  for (int round = 0; round < 3; ++round) {
    store_all(200, 2200);
    ASSERT_TRUE(storage_->close());
    storage_.reset();
    storage_ = folder_.open();
    ASSERT_NE(storage_, nullptr) << folder_.failure;
    EXPECT_EQ(contents_of(*storage_).size(), sizes_.size());
  }
  store_all(200, 2200);
  expect_below(2 * live(), "after starts");
}

INSTANTIATE_TEST_SUITE_P(Daemons_3_6, Patterns,
                         testing::Values(Durability::process, Durability::interval, Durability::group));

}  // namespace
}  // namespace flare
