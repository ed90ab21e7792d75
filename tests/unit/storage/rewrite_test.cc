// design.md 3.11: a store is rewritten while it serves, and nobody notices but the disk.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <thread>

#include "unit/storage/storage_helpers.h"

namespace flare {
namespace {

constexpr auto patience = std::chrono::seconds{60};

bool comes(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

/// A store with few buckets for what it gets: it is rewritten as soon as it has 400 records.
struct SmallBuckets : KyotoFolder {
  SmallBuckets() {
    options.buckets = 100;
    options.rewrite_pace = {.waste_bytes_min = 64 * 1024, .items_min = 400, .try_again = std::chrono::milliseconds{20}};
  }
};

std::string key_of(int number) { return "key-" + std::to_string(number); }

void fill(Storage& storage, int from, int to) {
  for (int number = from; number < to; ++number) set(storage, key_of(number), std::to_string(number));
}

Contents numbers(int to, int version = 1) {
  Contents expected;
  for (int number = 0; number < to; ++number) {
    expected[key_of(number)] = fmt::format("0 0 {} {}", version, number);
  }
  return expected;
}

bool rewritten(const Storage& storage, std::uint64_t times = 1) {
  return comes([&] { return storage.figures().rewrites >= times; });
}

std::vector<std::string> left_over(const KyotoFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{folder.folder.path()}) {
    const auto name = entry.path().filename().string();
    if (name.find("rewrite") != std::string::npos || name.find(".new") != std::string::npos) names.push_back(name);
  }
  return names;
}

TEST(StoreRewrite, GivesMoreBucketsInTheSameHistory) {
  SmallBuckets folder;
  const auto storage = folder.open();
  fill(*storage, 0, 400);
  const auto before = storage->position();
  EXPECT_EQ(storage->figures().rewrites, 0U) << "four for each bucket are no reason";
  fill(*storage, 400, 2000);
  ASSERT_TRUE(rewritten(*storage)) << folder.log.text();
  EXPECT_EQ(storage->position(), (Position{before.log_id, before.epoch, Sequence{2000}}));
  EXPECT_EQ(contents_of(*storage), numbers(2000));
  EXPECT_EQ(log_after(*storage, Sequence{0}).size(), 2000U);
  EXPECT_EQ(left_over(folder), std::vector<std::string>{});
  EXPECT_NE(folder.log.text().find("few buckets"), std::string::npos);
}

TEST(StoreRewrite, KeepsVersionsAndRememberedDeletions) {
  SmallBuckets folder;
  folder.options.rewrite_pace.items_min = 1000;
  auto storage = folder.open();
  fill(*storage, 0, 300);
  fill(*storage, 0, 300);  // version 2
  ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = key_of(7)}));
  ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = key_of(8), .hold_until_s = now_s + 100}));
  fill(*storage, 300, 1200);
  ASSERT_TRUE(rewritten(*storage)) << folder.log.text();
  EXPECT_EQ(get(*storage, key_of(9)), "0 0 2 9");
  set(*storage, key_of(7), "again");
  EXPECT_EQ(get(*storage, key_of(7)), "0 0 3 again");  // protocol.md 3: above the deletion's
  const auto held = run(*storage, {.kind = OperationKind::add, .key = key_of(8), .data = "x"});
  ASSERT_TRUE(held);
  EXPECT_NE(held->kind, OutcomeKind::stored) << "the hold is remembered";
  const auto all = contents_of(*storage);
  ASSERT_TRUE(storage->close());
  storage = folder.open();
  ASSERT_NE(storage, nullptr) << folder.failure;
  EXPECT_TRUE(storage->start().clean);
  EXPECT_EQ(contents_of(*storage), all);
}

// Each thread has its own keys, so it knows what they must be.
TEST(StoreRewrite, LosesNothingOfWhatIsWrittenMeanwhile) {
  constexpr int writers = 3;
  SmallBuckets folder;
  folder.options.log_max_bytes = 64 * 1024 * 1024;
  auto storage = folder.open();
  std::atomic<bool> done{false};
  std::vector<Contents> expected(writers);
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      std::mt19937 random(static_cast<unsigned>(writer));
      std::map<std::string, int> versions;
      for (int number = 0; !done || number < 20'000; ++number) {
        const auto key = fmt::format("{}-{}", writer, random() % 3000);
        const Storage::Batch batch{*storage};
        if (random() % 4 == 0) {
          const auto gone = storage->execute({.kind = OperationKind::remove, .key = key}, now_s, nullptr);
          ASSERT_TRUE(gone);
          expected[writer].erase(key);
        } else {
          const auto data = std::to_string(number) + std::string(number < 10'000 ? 300 : random() % 30, 'x');
          ASSERT_TRUE(storage->execute({.kind = OperationKind::set, .key = key, .data = data}, now_s, nullptr));
          expected[writer][key] = fmt::format("0 0 {} {}", ++versions[key], data);
        }
        ASSERT_TRUE(storage->write_log());
        if (number % 64 != 0 || expected[writer].empty()) continue;
        CollectingSink sink;
        const auto& [some, value] = *expected[writer].begin();
        ASSERT_TRUE(storage->get(some, now_s, sink));
        ASSERT_EQ(sink.contents[some], value);
      }
    });
  }
  EXPECT_TRUE(rewritten(*storage, 2)) << folder.log.text();  // few buckets, then waste
  done = true;
  for (auto& thread : threads) thread.join();
  Contents all;
  for (auto& own : expected) all.merge(own);
  EXPECT_TRUE(contents_of(*storage) == all);
  ASSERT_TRUE(storage->close());
  storage = folder.open();
  ASSERT_NE(storage, nullptr) << folder.failure;
  EXPECT_TRUE(contents_of(*storage) == all);
}

class AtStep : public testing::TestWithParam<RewriteStep> {};

// kill -9 in a child; what it has acknowledged is there, and nothing else is left over.
TEST_P(AtStep, AKillLosesNothingAndLeavesNothing) {
  SmallBuckets folder;
  folder.options.at_rewrite_step = [](RewriteStep step) {
    if (step == GetParam()) ::_exit(7);
  };
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto storage = folder.open();
    fill(*storage, 0, 2000);
    std::ofstream{folder.path("filled")} << "2000";
    rewritten(*storage);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_EQ(WEXITSTATUS(status), 7);
  folder.options.at_rewrite_step = {};
  const auto storage = folder.open();
  ASSERT_NE(storage, nullptr) << folder.failure;
  EXPECT_FALSE(storage->start().new_history);
  const auto contents = contents_of(*storage);
  const bool filled = std::filesystem::exists(folder.path("filled"));
  EXPECT_GE(contents.size(), filled ? 2000U : 401U);
  EXPECT_EQ(contents, numbers(static_cast<int>(contents.size()))) << "a prefix of what was written";
  set(*storage, "more", "x");
  EXPECT_EQ(get(*storage, "more"), "0 0 1 x");
}

// Whatever comes in between, the store is whole: entries written at the step are in the new file too.
TEST_P(AtStep, WritesOfThatMomentAreInTheNewStore) {
  if (GetParam() >= RewriteStep::closed) return;  // the gate is closed from there on
  SmallBuckets folder;
  std::atomic<Storage*> written_to{nullptr};
  folder.options.at_rewrite_step = [&](RewriteStep step) {
    if (step != GetParam()) return;
    for (int number = 0; number < 2000; number += 3) {
      run(*written_to, {.kind = OperationKind::set, .key = key_of(number), .data = "new"}).has_value();
      run(*written_to, {.kind = OperationKind::remove, .key = key_of(number + 1)}).has_value();
    }
  };
  const auto storage = [&] {
    folder.options.rewrite_pace.items_min = 2000;
    auto opened = folder.open();
    written_to = opened.get();
    return opened;
  }();
  fill(*storage, 0, 2000);
  ASSERT_TRUE(rewritten(*storage)) << folder.log.text();
  for (int number = 0; number < 1999; number += 3) {
    ASSERT_EQ(get(*storage, key_of(number)), "0 0 2 new");
    ASSERT_EQ(get(*storage, key_of(number + 1)), "-");
  }
}

// A build or a flush in between is not disturbed, and the rewrite leaves nothing.
TEST_P(AtStep, AFlushInBetweenEndsIt) {
  if (GetParam() >= RewriteStep::closed) return;
  SmallBuckets folder;
  std::atomic<Storage*> flushed{nullptr};
  std::atomic<int> flushes{0};
  folder.options.at_rewrite_step = [&](RewriteStep step) {
    if (step != GetParam() || flushes++ > 0) return;
    EXPECT_TRUE(flushed.load()->flush());
  };
  folder.options.rewrite_pace.items_min = 1000;
  const auto storage = folder.open();
  flushed = storage.get();
  fill(*storage, 0, 1000);
  ASSERT_TRUE(comes([&] { return storage->figures().items == 0 && storage->figures().rewrite_percent == 0; }));
  set(*storage, "after", "x");
  EXPECT_EQ(contents_of(*storage), (Contents{{"after", "0 0 1 x"}}));
  EXPECT_EQ(storage->figures().rewrites, 0U);
  EXPECT_TRUE(comes([&] { return left_over(folder).empty(); }));
}

INSTANTIATE_TEST_SUITE_P(Each, AtStep,
                         testing::Values(RewriteStep::copied, RewriteStep::synced, RewriteStep::caught_up,
                                         RewriteStep::closed, RewriteStep::renamed, RewriteStep::opened));

TEST(StoreRewrite, WaitsForAScanAndDoesNotBreakItOff) {
  SmallBuckets folder;
  std::atomic<bool> near{false};
  folder.options.at_rewrite_step = [&](RewriteStep step) {
    if (step == RewriteStep::caught_up) near = true;
  };
  folder.options.rewrite_pace.items_min = 1000;
  const auto storage = folder.open();
  fill(*storage, 0, 999);
  {
    const auto scan = storage->begin_scan();
    ASSERT_TRUE(scan);
    fill(*storage, 999, 1000);
    ASSERT_TRUE(comes([&] { return near.load(); }));
    CollectingSink sink;
    while (true) {
      fill(*storage, 0, 10);
      const auto more = (*scan)->next_slice(sink);
      ASSERT_TRUE(more) << "the scan was broken off";
      if (!*more) break;
    }
    EXPECT_GE(sink.contents.size(), 999U);
    EXPECT_EQ(storage->figures().rewrites, 0U);
  }
  EXPECT_TRUE(rewritten(*storage));
}

TEST(StoreRewrite, GivesWayToABuild) {
  SmallBuckets folder;
  folder.options.rewrite_pace.items_min = 1000;
  const auto storage = folder.open();
  fill(*storage, 0, 999);
  const auto replacement = storage->begin_replacement(5000);
  ASSERT_TRUE(replacement);
  fill(*storage, 999, 1000);
  for (int number = 0; number < 5000; ++number) {
    ASSERT_TRUE((*replacement)->put(key_of(number), {.version = RecordVersion{3}, .data = "built"}));
  }
  ASSERT_TRUE((*replacement)->commit({LogId{77}, Epoch{4}, Sequence{1000}}, {}));
  EXPECT_EQ(contents_of(*storage).size(), 5000U);
  EXPECT_EQ(storage->figures().rewrites, 0U);
  // It was made for as many records as were announced: that is no reason for a rewrite later.
  set(*storage, "one more", "x");
  const auto checkpoints = storage->figures().checkpoints;
  ASSERT_TRUE(comes([&] { return storage->figures().checkpoints > checkpoints; }));
  EXPECT_EQ(storage->figures().rewrites, 0U);
}

TEST(StoreRewrite, NeedsRoomAndLeavesItToThoseWhoWrite) {
  SmallBuckets folder;
  std::atomic<bool> full{true};
  folder.options.reserve = [&](int file, std::uint64_t, std::uint64_t) {
    const auto name = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file));
    return full && name.filename() == "flare.kch.rewrite" ? ENOSPC : 0;
  };
  auto storage = folder.open();
  fill(*storage, 0, 2000);
  ASSERT_TRUE(comes([&] { return folder.log.text().find("no room for a second copy") != std::string::npos; }))
      << folder.log.text();
  EXPECT_EQ(contents_of(*storage), numbers(2000));
  EXPECT_EQ(storage->figures().rewrites, 0U);
  full = false;
  EXPECT_TRUE(rewritten(*storage));
  EXPECT_EQ(contents_of(*storage), numbers(2000));
}

TEST(StoreRewrite, IsGivenUpForADamagedRecordAndSaysSo) {
  SmallBuckets folder;
  folder.options.rewrite_pace.items_min = 1000;
  auto storage = folder.open();
  fill(*storage, 0, 900);
  set(*storage, "damaged", "some-data-that-is-found");
  ASSERT_TRUE(storage->close());
  storage.reset();
  {
    std::fstream file{folder.path("flare.kch"), std::ios::in | std::ios::out | std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    const auto at = bytes.find("some-data-that-is-found");
    ASSERT_NE(at, std::string::npos);
    file.clear();
    // The header before the data tells its length.
    file.seekp(static_cast<std::streamoff>(at) - 28);
    file << std::string(28, '\xff');
  }
  std::filesystem::remove(folder.path("flare.clean"));  // as after a kill: the log does not mind a changed store
  storage = folder.open();
  ASSERT_NE(storage, nullptr) << folder.failure;
  fill(*storage, 900, 1000);
  ASSERT_TRUE(comes([&] { return folder.log.text().find("a record is damaged") != std::string::npos; }))
      << folder.log.text();
  EXPECT_EQ(storage->figures().rewrites, 0U);
  EXPECT_EQ(get(*storage, "damaged"), "error");
  EXPECT_EQ(get(*storage, key_of(1)), "0 0 1 1");
  EXPECT_TRUE(comes([&] { return left_over(folder).empty(); }));
}

// A writer that is faster than the log may grow: the rewrite ends, never the writes.
TEST(StoreRewrite, IsGivenUpWhenTheLogIsNotKeptForIt) {
  SmallBuckets folder;
  folder.options.log_max_bytes = 64 * 1024;
  folder.options.rewrite_pace.items_min = 1000;
  folder.options.rewrite_pace.try_again = std::chrono::seconds{60};
  std::atomic<Storage*> written_to{nullptr};
  const std::string data(4000, 'x');
  folder.options.at_rewrite_step = [&](RewriteStep step) {
    if (step != RewriteStep::copied) return;
    const auto checkpoints = written_to.load()->figures().checkpoints;
    for (int number = 0; number < 1000 || written_to.load()->figures().checkpoints < checkpoints + 2; ++number) {
      EXPECT_TRUE(run(*written_to, {.kind = OperationKind::set, .key = key_of(number % 1000), .data = data}));
    }
  };
  const auto storage = folder.open();
  written_to = storage.get();
  fill(*storage, 0, 1000);
  ASSERT_TRUE(comes([&] { return folder.log.text().find("log-max-size") != std::string::npos; })) << folder.log.text();
  EXPECT_EQ(storage->figures().rewrites, 0U);
  EXPECT_EQ(contents_of(*storage).size(), 1000U);
}

TEST(StoreRewrite, AStopBreaksItOff) {
  SmallBuckets folder;
  folder.options.rewrite_pace.share_of_time = 100'000;  // it would take for ever
  auto storage = folder.open();
  fill(*storage, 0, 20'000);
  ASSERT_TRUE(comes([&] { return !left_over(folder).empty(); }));
  ASSERT_TRUE(storage->close());
  storage.reset();
  EXPECT_EQ(left_over(folder), std::vector<std::string>{});
  folder.options.rewrite_pace.share_of_time = 4;
  storage = folder.open();
  ASSERT_NE(storage, nullptr);
  EXPECT_TRUE(rewritten(*storage)) << "a start looks, too";
  EXPECT_EQ(contents_of(*storage), numbers(20'000));
}

TEST(StoreRewrite, AStartRemovesWhatAKillHasLeft) {
  SmallBuckets folder;
  folder.open().reset();
  std::ofstream{folder.path("flare.kch.rewrite")} << "half";
  std::ofstream{folder.path("flare.kch.flush")} << "half";
  const auto storage = folder.open();
  ASSERT_NE(storage, nullptr);
  EXPECT_FALSE(std::filesystem::exists(folder.path("flare.kch.rewrite")));
  EXPECT_FALSE(std::filesystem::exists(folder.path("flare.kch.flush")));
}

}  // namespace
}  // namespace flare
