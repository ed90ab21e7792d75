#include <atomic>
#include <condition_variable>
#include <future>
#include <thread>

#include "unit/storage/storage_helpers.h"

/// durability = interval | group: who waits for the disk, and for how many syncs (design.md 3.6).
namespace flare {
namespace {

constexpr std::chrono::seconds patience{10};

/// A sync that can be held up and made to fail; counts those of files.
class ScriptedSync {
 public:
  SyncFile hook() {
    return [this](int, const std::filesystem::path& path) {
      if (path.extension() != ".log") return 0;
      std::unique_lock lock{mutex_};
      ++calls_;
      changed_.notify_all();
      changed_.wait_for(lock, patience, [this] { return !held_; });
      return fails_ ? EIO : 0;
    };
  }
  void hold(bool held) {
    const std::lock_guard lock{mutex_};
    held_ = held;
    changed_.notify_all();
  }
  void fail() {
    const std::lock_guard lock{mutex_};
    fails_ = true;
  }
  bool reached(int calls) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return calls_ >= calls; });
  }
  int calls() {
    const std::lock_guard lock{mutex_};
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
  bool held_ = false;
  bool fails_ = false;
};

struct SyncedStore {
  explicit SyncedStore(Durability durability) {
    folder.options.durability = durability;
    folder.options.sync = sync.hook();
    storage = folder.open();
  }
  std::future<bool> wait_for_disk() {
    auto safe = std::make_shared<std::promise<bool>>();
    const Storage::Batch batch{*storage};
    storage->when_on_disk([safe](bool done) { safe->set_value(done); });
    return safe->get_future();
  }
  ScriptedSync sync;
  KyotoFolder folder;
  std::unique_ptr<KyotoStorage> storage;
};

TEST(LogSync, WhoComesWhileOneRunsSharesTheNext) {
  SyncedStore store{Durability::group};
  EXPECT_TRUE(store.storage->answers_wait());
  store.sync.hold(true);
  set(*store.storage, "first", "x");
  auto first = store.wait_for_disk();
  ASSERT_TRUE(store.sync.reached(1));
  std::vector<std::future<bool>> others;
  for (int i = 0; i < 100; ++i) {
    set(*store.storage, "key" + std::to_string(i), "x");
    others.push_back(store.wait_for_disk());
  }
  EXPECT_EQ(first.wait_for(std::chrono::seconds{0}), std::future_status::timeout);
  store.sync.hold(false);
  ASSERT_TRUE(first.get());
  for (auto& other : others) ASSERT_TRUE(other.get());
  EXPECT_EQ(store.sync.calls(), 2);
  EXPECT_EQ(store.storage->durable_sequence(), store.storage->position().sequence);
  const Storage::Batch batch{*store.storage};
  EXPECT_TRUE(store.storage->all_on_disk());
}

// write_log has written all that this one may have seen; what others number after it is not its business.
TEST(LogSync, NobodyWaitsForAnEntryThatAnotherHasNotWrittenYet) {
  SyncedStore store{Durability::group};
  set(*store.storage, "mine", "x");
  {
    const Storage::Batch batch{*store.storage};
    ASSERT_TRUE(store.storage->execute({.kind = OperationKind::set, .key = "theirs", .data = "x"}, now_s, nullptr));
  }
  EXPECT_TRUE(store.wait_for_disk().get());
  const Storage::Batch batch{*store.storage};
  EXPECT_TRUE(store.storage->all_on_disk());
  EXPECT_TRUE(store.storage->write_log());
  EXPECT_FALSE(store.storage->all_on_disk());
}

TEST(LogSync, WhatCannotBeSyncedIsNeverAnsweredAndNotTriedAgain) {
  SyncedStore store{Durability::group};
  store.sync.fail();
  set(*store.storage, "key", "x");
  EXPECT_FALSE(store.wait_for_disk().get());
  EXPECT_FALSE(store.wait_for_disk().get());
  EXPECT_EQ(store.sync.calls(), 1);
  EXPECT_TRUE(store.storage->figures().failed);
  EXPECT_EQ(get(*store.storage, "key"), "error");
}

// An end without a stop: by an exception between the storage's start and the server's stop.
TEST(LogSync, AStorageThatEndsWithoutAStopAnswersAllWhoWait) {
  for (const bool fails : {false, true}) {
    SyncedStore store{Durability::group};
    store.sync.hold(true);
    set(*store.storage, "first", "x");
    std::vector<std::future<bool>> waiting;
    waiting.push_back(store.wait_for_disk());
    ASSERT_TRUE(store.sync.reached(1));
    for (int i = 0; i < 10; ++i) {
      set(*store.storage, "key" + std::to_string(i), "x");
      waiting.push_back(store.wait_for_disk());
    }
    auto ended = std::async(std::launch::async, [&] { store.storage.reset(); });
    if (fails) store.sync.fail();
    store.sync.hold(false);
    ASSERT_EQ(ended.wait_for(patience), std::future_status::ready) << "it hangs";
    for (auto& each : waiting) {
      ASSERT_EQ(each.wait_for(patience), std::future_status::ready);
      EXPECT_EQ(each.get(), !fails);
    }
    if (fails) continue;
    const auto again = store.folder.open();
    ASSERT_NE(again, nullptr) << store.folder.failure;
    EXPECT_EQ(contents_of(*again).size(), 11U);
  }
}

TEST(LogSync, AnIntervalEndsWithinSecondsOfAWrite) {
  SyncedStore store{Durability::interval};
  EXPECT_FALSE(store.storage->answers_wait());
  set(*store.storage, "key", "x");
  EXPECT_LT(store.storage->durable_sequence(), store.storage->position().sequence);
  EXPECT_TRUE(store.sync.reached(1));
}

TEST(LogSync, ProcessNeverSyncsWhileItServes) {
  SyncedStore store{Durability::process};
  set(*store.storage, "key", "x");
  EXPECT_TRUE(store.wait_for_disk().get());
  EXPECT_EQ(store.sync.calls(), 0);
}

TEST(LogSync, TheLogIsKeptBackToTheLocalSnapshot) {
  KyotoFolder folder;
  folder.options.durability = Durability::interval;
  folder.options.log_max_bytes = 256 * 1024;
  const auto storage = folder.open();
  const std::string value(4096, 'v');
  for (int i = 0; i < 300; ++i) set(*storage, "key" + std::to_string(i % 10), value);
  std::string bytes;
  EXPECT_TRUE(storage->read_log(Sequence{0}, 1, bytes));  // above the cap, but there is no snapshot yet

  const auto position = storage->position();
  storage->keep_log_after(position);
  for (int i = 0; i < 300; ++i) set(*storage, "key" + std::to_string(i % 10), value);
  // With the next checkpoint.
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (storage->read_log(Sequence{0}, 1, bytes).has_value()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  EXPECT_TRUE(storage->read_log(position.sequence, 1, bytes));
}

}  // namespace
}  // namespace flare
