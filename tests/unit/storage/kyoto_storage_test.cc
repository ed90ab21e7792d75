#include "flared/storage/kyoto_storage.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include "flared/storage/memory_storage.h"
#include "unit/storage/storage_helpers.h"

/// What only the engine does: threads, gate, checkpoints, retention, failures.
namespace flare {
namespace {

using namespace std::chrono_literals;

template <class Condition>
bool wait_for(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Applies the log behind `scan` to what it showed: both together are exact (design.md 3.5).
Contents scanned_and_replayed(const Storage& source, const Contents& scanned, const Position& from) {
  MemoryStorage model;
  const auto replacement = model.begin_replacement(0);
  for (const auto& [key, text] : scanned) {
    const auto data = text.substr(text.rfind(' ') + 1);
    unsigned flags = 0;
    long expire_s = 0;
    unsigned long version = 0;
    std::sscanf(text.c_str(), "%u %ld %lu", &flags, &expire_s, &version);
    std::ignore =
        (*replacement)
            ->put(key, {.flags = flags, .expire_s = expire_s, .version = RecordVersion{version}, .data = data});
  }
  std::ignore = (*replacement)->commit(from, {});
  for (const auto& entry : log_after(source, from.sequence)) {
    if (!apply(model, entry)) return {{"the log has a gap", ""}};
  }
  return contents_of(model);
}

class Writers {
 public:
  Writers(Storage& storage, int threads) {
    for (int seed = 0; seed < threads; ++seed) {
      threads_.emplace_back([this, &storage, seed] { write(storage, static_cast<unsigned>(seed)); });
    }
  }
  ~Writers() { stop(); }
  void stop() {
    stopping_ = true;
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  std::uint64_t batches() const { return batches_; }

 private:
  // All writers use the same keys. Values change their length, so that records move.
  void write(Storage& storage, unsigned seed) {
    for (unsigned at = seed; !stopping_; at = at * 1103515245U + 12345U) {
      const Storage::Batch batch{storage};
      const auto key = fmt::format("key-{}", (at >> 8) % 2000);
      const auto kind = at % 7 == 0 ? OperationKind::remove : OperationKind::set;
      const auto done = storage.execute(
          {.kind = kind, .key = key, .data = std::string(at / 3 % 400, static_cast<char>('a' + seed))}, now_s, nullptr);
      EXPECT_TRUE(done);
      EXPECT_TRUE(storage.write_log());
      ++batches_;
    }
  }

  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> batches_{0};
  std::vector<std::thread> threads_;
};

TEST(Engine, KeepsStoreAndLogInTheSameOrderWithSeveralWriters) {
  KyotoFolder folder;
  const auto storage = folder.open();
  Writers writers{*storage, 2};
  ASSERT_TRUE(wait_for([&] { return writers.batches() > 20'000; }));
  writers.stop();
  EXPECT_EQ(contents_of(*storage),
            scanned_and_replayed(*storage, {}, {storage->position().log_id, Epoch{0}, Sequence{0}}));
  EXPECT_GT(storage->figures().checkpoints, 1u);
}

TEST(Engine, AScanAndTheLogBehindItAreExactWhileWritersRun) {
  KyotoFolder folder;
  const auto storage = folder.open();
  for (int i = 0; i < 2000; ++i) set(*storage, fmt::format("key-{}", i), "first");
  Writers writers{*storage, 2};
  CollectingSink sink;
  const auto scan = storage->begin_scan();  // lives until the log is read: without it that may be dropped
  ASSERT_TRUE(scan);
  const auto from = (*scan)->position();
  for (;;) {
    const auto before = writers.batches();
    const auto more = (*scan)->next_slice(sink);
    ASSERT_TRUE(more);
    if (!*more) break;
    ASSERT_TRUE(wait_for([&] { return writers.batches() > before + 50; }));
  }
  writers.stop();
  EXPECT_EQ(storage->figures().snapshots_taken, 1u);
  EXPECT_EQ(scanned_and_replayed(*storage, sink.contents, from), contents_of(*storage));
}

TEST(Engine, CheckpointsByVolumeAndOtherwiseWithinSeconds) {
  KyotoFolder folder;
  const auto storage = folder.open();
  const auto before = storage->figures().checkpoints;
  set(*storage, "k", "x");
  EXPECT_TRUE(wait_for([&] { return storage->figures().checkpoints == before + 1; }));
  set(*storage, "k", std::string(5'000'000, 'x'));  // more than a checkpoint's volume at once
  EXPECT_TRUE(wait_for([&] { return storage->figures().checkpoints >= before + 2; }));
}

TEST(Engine, DropsOldSegmentsButNotWhatAScanNeeds) {
  KyotoFolder folder;
  folder.options.log_max_bytes = 1024 * 1024;
  const auto storage = folder.open();
  const std::string data(1000, 'x');
  const auto fill = [&] {
    for (int i = 0; i < 2000; ++i) set(*storage, fmt::format("key-{}", i % 100), data);
  };
  fill();
  const auto reads_from = [&](Sequence after) {
    std::string bytes;
    return storage->read_log(after, 1, bytes).has_value();
  };
  EXPECT_TRUE(wait_for([&] { return !reads_from(Sequence{0}); }));
  {
    const auto scan = storage->begin_scan();
    const auto from = (*scan)->position().sequence;
    fill();
    EXPECT_TRUE(reads_from(from));
  }
  fill();
  EXPECT_TRUE(wait_for([&] {
    set(*storage, "k", data);
    return storage->figures().log_bytes < 2 * folder.options.log_max_bytes;
  }));
}

TEST(Engine, KeepsAFlushedStoreAndItsLogAside) {
  KyotoFolder folder;
  const auto storage = folder.open();
  set(*storage, "k", "x");
  ASSERT_TRUE(storage->flush());
  ASSERT_TRUE(storage->flush());
  const auto kept = fmt::format("flushed-{}", now_s);
  for (const auto& name : {"flare.kch." + kept, "log." + kept, "flare.kch." + kept + "-2", "log." + kept + "-2"}) {
    EXPECT_TRUE(std::filesystem::exists(folder.path(name))) << name;
  }
  // The kept pair is a data-dir's content.
  KyotoFolder rescue;
  std::filesystem::copy(folder.path("flare.kch." + kept), rescue.path("flare.kch"));
  std::filesystem::copy(folder.path("log." + kept), rescue.path("log"));
  const auto rescued = rescue.open();
  ASSERT_NE(rescued, nullptr) << rescue.failure;
  EXPECT_FALSE(rescued->start().new_history);
  EXPECT_EQ(contents_of(*rescued), (Contents{{"k", "0 0 1 x"}}));
}

TEST(Engine, DropsWhatAFlushHasKeptAfterItsTime) {
  KyotoFolder folder;
  std::filesystem::create_directory(folder.path(fmt::format("log.flushed-{}", now_s - 3601)));
  std::filesystem::create_directory(folder.path(fmt::format("log.flushed-{}", now_s - 3599)));
  const auto storage = folder.open();
  EXPECT_FALSE(std::filesystem::exists(folder.path(fmt::format("log.flushed-{}", now_s - 3601))));
  EXPECT_TRUE(std::filesystem::exists(folder.path(fmt::format("log.flushed-{}", now_s - 3599))));
}

TEST(Engine, EndsAScanThoughKeysGoFasterThanItIsRead) {
  KyotoFolder folder;
  const auto storage = folder.open();
  int removed = 0;
  const auto remove_some = [&] {
    for (int i = 0; i < 150; ++i, ++removed) {
      const auto key = fmt::format("gone-{}", removed);
      ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = key, .version = RecordVersion{1}}));
    }
  };
  remove_some();
  const auto scan = storage->begin_scan();
  ASSERT_TRUE(scan);
  CollectingSink sink;
  bool more = true;
  for (int slices = 0; more && slices < 20; ++slices) {
    remove_some();
    const auto next = (*scan)->next_slice(sink);
    ASSERT_TRUE(next);
    more = *next;
  }
  EXPECT_FALSE(more);
}

TEST(Engine, RefusesWritesWithoutRoomForTheLogAndChangesNothing) {
  KyotoFolder folder;
  std::atomic<int> error{0};
  folder.options.reserve = [&](int, std::uint64_t, std::uint64_t) { return error.load(); };
  const auto storage = folder.open();
  set(*storage, "k", "x");
  const auto before = storage->position();
  error = ENOSPC;
  const std::string large(2'000'000, 'y');  // more than what is reserved already
  for (const auto kind : {OperationKind::set, OperationKind::append}) {
    const auto refused = run(*storage, {.kind = kind, .key = "k", .data = large});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), StorageError::out_of_space);
  }
  EXPECT_EQ(storage->position(), before);
  EXPECT_EQ(get(*storage, "k"), "0 0 1 x");
  error = 0;
  set(*storage, "k", large);
}

// The file may not grow for a while: the library fails in the middle of a write.
TEST(Engine, RollsBackAndRepairsFromTheLogWhenAWriteFailsInTheMiddle) {
  KyotoFolder folder;
  folder.options.map_bytes = 0;  // every block goes through a system call that can fail
  folder.options.buckets = 1'000'000;
  const auto storage = folder.open();
  for (int i = 0; i < 900; ++i) set(*storage, fmt::format("key-{}", i), "x");
  const auto before = contents_of(*storage);

  std::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  rlimit limited = unlimited;
  limited.rlim_cur = std::filesystem::file_size(folder.path("flare.kch")) + 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
  Result<Outcome, StorageError> outcome = StorageError::io;
  {
    const Storage::Batch batch{*storage};
    outcome = storage->execute({.kind = OperationKind::set, .key = "key-7", .data = std::string(100'000, 'y')}, now_s,
                               nullptr);
    EXPECT_TRUE(storage->write_log());
    CollectingSink sink;
    EXPECT_FALSE(storage->get("key-7", now_s, sink));  // neither the old nor a miss
    ::setrlimit(RLIMIT_FSIZE, &unlimited);
  }
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), StorageError::io);

  ASSERT_TRUE(wait_for([&] { return get(*storage, "key-8") != "error"; })) << folder.log.text();
  auto expected = before;
  expected["key-7"] = "0 0 2 " + std::string(100'000, 'y');
  EXPECT_EQ(contents_of(*storage), expected) << folder.log.text();
  set(*storage, "key-7", "z");
}

TEST(Engine, AStoreInUseIsNotOpenedByAnotherProcess) {
  KyotoFolder folder;
  const auto storage = folder.open();
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(folder.open() ? 1 : 0);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(Engine, AnExclusiveHolderOfTheGateIsNotStarved) {
  Gate gate;
  std::atomic<bool> stopping{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!stopping) {
        gate.lock_shared();
        gate.unlock_shared();
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    gate.lock();
    gate.unlock();
  }
  stopping = true;
  for (auto& reader : readers) reader.join();
}

}  // namespace
}  // namespace flare
