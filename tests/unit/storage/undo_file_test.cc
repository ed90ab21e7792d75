#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <random>
#include <thread>

#include "flared/storage/undo_hash_db.h"
#include "unit/storage/storage_helpers.h"

/// The undo file of our own (docs/design.md 3.2): what a roll-back and what a kill leave is the last commit.
namespace flare {
namespace {

using Theirs = kyotocabinet::HashDB;
using Ours = kyotocabinet::UndoHashDB;
using Records = std::map<std::string, std::string>;

constexpr auto open_flags = Ours::OWRITER | Ours::OCREATE | Ours::OAUTOTRAN;
constexpr int keys = 400;

template <class Library>
void open(Library& db, const std::string& path) {
  db.tune_options(Library::TLINEAR);
  db.tune_buckets(1000);
  db.tune_alignment(4);
  ASSERT_TRUE(db.open(path, open_flags)) << db.error().message();
}

class Collecting final : public kyotocabinet::DB::Visitor {
 public:
  Records records;

 private:
  const char* visit_full(const char* key, std::size_t key_bytes, const char* value, std::size_t value_bytes,
                         std::size_t*) override {
    records[std::string{key, key_bytes}] = std::string{value, value_bytes};
    return NOP;
  }
};

template <class Library>
Records all_of(Library& db) {
  Collecting all;
  EXPECT_TRUE(db.iterate(&all, false)) << db.error().message();
  EXPECT_EQ(static_cast<std::size_t>(db.count()), all.records.size());
  return std::move(all.records);
}

class UndoFileTest : public testing::Test {
 protected:
  TempFolder folder_;
  const std::string path_ = (folder_.path() / "store.kch").string();
  std::mt19937_64 random_{20261124};

  void change_at_random(Ours& db) {
    for (int change = 0; change < keys; ++change) {
      const auto key = std::to_string(random_() % keys);
      if (random_() % 3 == 0) db.remove(key);
      if (random_() % 3 == 0) continue;
      const std::string value(random_() % 300, static_cast<char>('a' + change % 26));
      ASSERT_TRUE(db.set(key, value));
    }
    ASSERT_TRUE(db.defrag(static_cast<std::int64_t>(random_() % keys)));
  }
};

TEST_F(UndoFileTest, RollsBackToTheLastCommitWhateverWasChanged) {
  Ours db;
  open(db, path_);
  for (int round = 0; round < 50; ++round) {
    ASSERT_TRUE(db.begin_transaction(false));
    change_at_random(db);
    ASSERT_TRUE(db.end_transaction(true));
    const auto committed = all_of(db);
    ASSERT_TRUE(db.begin_transaction(false));
    change_at_random(db);
    ASSERT_NE(all_of(db), committed);
    ASSERT_TRUE(db.end_transaction(false));
    ASSERT_EQ(all_of(db), committed) << "round " << round;
  }
}

TEST_F(UndoFileTest, GrowsAsFarAsOneTransactionNeeds) {
  Ours db;
  open(db, path_);
  ASSERT_TRUE(db.set("key", std::string(1 << 20, 'a')));
  ASSERT_TRUE(db.begin_transaction(false));
  for (int set = 0; set < 10; ++set) ASSERT_TRUE(db.set("key", std::string(1 << 20, 'b')));
  ASSERT_TRUE(db.end_transaction(false));
  EXPECT_EQ(all_of(db), (Records{{"key", std::string(1 << 20, 'a')}}));
}

TEST_F(UndoFileTest, ACleanEndLeavesNoUndoFile) {
  Ours db;
  open(db, path_);
  ASSERT_TRUE(db.begin_transaction(false));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".wal"));
  ASSERT_TRUE(db.end_transaction(true));
  ASSERT_TRUE(db.close());
  EXPECT_FALSE(std::filesystem::exists(path_ + ".wal"));
}

// Each round gives every key the same value, of another length than the round before, and commits.
[[noreturn]] void write_rounds(const std::string& path, int begun) {
  Ours db;
  open(db, path);
  for (int round = 0;; ++round) {
    const std::string value(static_cast<std::size_t>(20 + round % 97), static_cast<char>('a' + round % 26));
    db.begin_transaction(false);
    const auto write_half = [&](int first) {
      for (int key = first; key < keys; key += 2) db.set(std::to_string(key), value);
    };
    std::thread other{write_half, 1};
    write_half(0);
    other.join();
    db.end_transaction(true);
    if (round == 0) std::ignore = ::write(begun, "1", 1);
  }
}

template <class Library>
void expect_one_round(const std::string& path) {
  Library db;
  open(db, path);
  const auto records = all_of(db);
  ASSERT_EQ(records.size(), static_cast<std::size_t>(keys));
  for (const auto& [key, value] : records) ASSERT_EQ(value, records.begin()->second) << key;
}

TEST_F(UndoFileTest, AKillAtAnyMomentLeavesTheLastCommitForUsAndForTheLibraryAlone) {
  for (int trial = 0; trial < 30; ++trial) {
    int begun[2];
    ASSERT_EQ(::pipe(begun), 0);
    const auto child = ::fork();
    if (child == 0) write_rounds(path_, begun[1]);
    ASSERT_GT(child, 1);
    ::close(begun[1]);
    char byte = 0;
    ASSERT_EQ(::read(begun[0], &byte, 1), 1) << "the writer ended";
    ::close(begun[0]);
    std::this_thread::sleep_for(std::chrono::microseconds{random_() % 20'000});  // the moment is what is tried
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    if (trial % 2 == 0) {
      expect_one_round<Theirs>(path_);
    } else {
      expect_one_round<Ours>(path_);
    }
    if (HasFatalFailure()) FAIL() << "trial " << trial;
  }
}

}  // namespace
}  // namespace flare
