#include "flared/item_marks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

/// Who is told stale, won and token-sent, as memcached 1.6.18 tells it (tried with the same commands).
namespace flare {
namespace {

using Chance = ItemMarks::Chance;
constexpr auto none = Chance::none;
constexpr Marks unmarked{};
constexpr Marks won{.won = true};
constexpr Marks sent{.token_sent = true};
constexpr Marks stale_won{.stale = true, .won = true};
constexpr Marks stale_sent{.stale = true, .token_sent = true};

constexpr RecordVersion version(std::uint64_t number) { return RecordVersion{number}; }

TEST(ItemMarks, AnEntryWithoutMarksIsPlain) {
  ItemMarks marks;
  EXPECT_EQ(marks.look("k", version(1), none), unmarked);
  EXPECT_TRUE(marks.empty());
}

TEST(ItemMarks, TheFirstGetOfAStaleEntryWins) {
  ItemMarks marks;
  marks.mark_stale("k", version(2));
  EXPECT_EQ(marks.look("k", version(2), none), stale_won);
  EXPECT_EQ(marks.look("k", version(2), none), stale_sent);
  EXPECT_EQ(marks.look("k", version(2), Chance::recache), stale_sent);
}

TEST(ItemMarks, AnotherInvalidationTakesTheTokenBack) {
  ItemMarks marks;
  marks.mark_stale("k", version(2));
  EXPECT_EQ(marks.look("k", version(2), none), stale_won);
  marks.mark_stale("k", version(3));
  EXPECT_EQ(marks.look("k", version(3), none), stale_won);
  EXPECT_EQ(marks.size(), 1u);
}

TEST(ItemMarks, WhatIsStoredAnewIsPlainAndItsOldMarkIsDropped) {
  ItemMarks marks;
  marks.mark_stale("k", version(2));
  EXPECT_EQ(marks.look("k", version(3), none), unmarked);
  EXPECT_TRUE(marks.empty());
  EXPECT_EQ(marks.key_bytes(), 0u);
}

TEST(ItemMarks, AStaleStoreKeepsTheTokenOfTheVersionBefore) {
  ItemMarks marks;
  marks.mark_stored_stale("fresh", version(2));
  EXPECT_EQ(marks.look("fresh", version(2), none), stale_won);
  EXPECT_EQ(marks.look("sent", version(1), Chance::recache), won);
  marks.mark_stored_stale("sent", version(2));
  EXPECT_EQ(marks.look("sent", version(2), none), stale_sent);
  EXPECT_EQ(marks.look("older", version(1), Chance::recache), won);
  marks.mark_stored_stale("older", version(3));  // version 2 was a plain store
  EXPECT_EQ(marks.look("older", version(3), none), stale_won);
}

TEST(ItemMarks, OneOfThoseThatCouldRecacheWins) {
  ItemMarks marks;
  EXPECT_EQ(marks.look("k", version(1), none), unmarked);
  EXPECT_EQ(marks.look("k", version(1), Chance::recache), won);
  EXPECT_EQ(marks.look("k", version(1), Chance::recache), sent);
  EXPECT_EQ(marks.look("k", version(1), none), sent);
  EXPECT_EQ(marks.look("k", version(2), Chance::recache), won);
}

TEST(ItemMarks, WhoCreatesAnEntryWinsAndItIsNotStale) {
  ItemMarks marks;
  EXPECT_EQ(marks.look("k", version(1), Chance::created), won);
  EXPECT_EQ(marks.look("k", version(1), none), sent);
  marks.mark_stale("again", version(1));
  EXPECT_EQ(marks.look("again", version(1), Chance::created), won);
  EXPECT_EQ(marks.look("again", version(1), none), sent);
}

TEST(ItemMarks, ClearForgetsAll) {
  ItemMarks marks;
  marks.mark_stale("k", version(2));
  marks.clear();
  EXPECT_TRUE(marks.empty());
  EXPECT_EQ(marks.key_bytes(), 0u);
  EXPECT_EQ(marks.look("k", version(2), none), unmarked);
}

TEST(ItemMarks, TooManyEntriesPushTheOldestOut) {
  ItemMarks marks{{.entries_max = 3, .key_bytes_max = 1000}};
  for (const auto* key : {"a", "b", "c"}) marks.mark_stale(key, version(1));
  marks.mark_stale("a", version(2));  // now the youngest
  marks.mark_stale("d", version(1));
  EXPECT_EQ(marks.size(), 3u);
  EXPECT_EQ(marks.look("b", version(1), none), unmarked);
  for (const auto* key : {"c", "d"}) EXPECT_EQ(marks.look(key, version(1), none), stale_won) << key;
  EXPECT_EQ(marks.look("a", version(2), none), stale_won);
}

TEST(ItemMarks, TooManyKeyBytesPushTheOldestOut) {
  ItemMarks marks{{.entries_max = 100, .key_bytes_max = 10}};
  marks.mark_stale("aaaa", version(1));
  marks.mark_stale("bbbb", version(1));
  marks.mark_stale("cccc", version(1));
  EXPECT_EQ(marks.key_bytes(), 8u);
  EXPECT_EQ(marks.look("aaaa", version(1), none), unmarked);
  marks.mark_stale(std::string(11, 'x'), version(1));  // does not fit at all
  EXPECT_EQ(marks.key_bytes(), 0u);
  EXPECT_TRUE(marks.empty());
}

TEST(ItemMarks, TheDefaultBoundsHoldTheLongestKey) {
  ItemMarks marks;
  const std::string longest(limits::key_bytes_max, 'k');
  marks.mark_stale(longest, version(1));
  EXPECT_EQ(marks.look(longest, version(1), none), stale_won);
}

/// All threads look at once, round after round.
int winners_of(ItemMarks& marks, std::string_view key, RecordVersion at, Chance chance) {
  constexpr int threads = 8;
  std::atomic<int> winners{0};
  std::atomic<int> waiting{threads};
  std::vector<std::thread> looking;
  for (int i = 0; i < threads; ++i) {
    looking.emplace_back([&] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      winners += marks.look(key, at, chance).won ? 1 : 0;
    });
  }
  for (auto& thread : looking) thread.join();
  return winners;
}

TEST(ItemMarks, ExactlyOneOfManyThreadsWins) {
  ItemMarks marks;
  for (std::uint64_t round = 1; round <= 200; ++round) {
    EXPECT_EQ(winners_of(marks, "recached", version(round), Chance::recache), 1);
    marks.mark_stale("stale", version(round));
    EXPECT_EQ(winners_of(marks, "stale", version(round), none), 1);
  }
}

TEST(ItemMarks, StaysWithinItsBoundsWithManyThreads) {
  ItemMarks marks{{.entries_max = 50, .key_bytes_max = 300}};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (int at = 0; at < 5000; ++at) {
        const auto key = std::to_string((at * 7 + writer) % 200);
        if (at % 3 == 0) marks.mark_stale(key, version(1));
        std::ignore = marks.look(key, version(1 + static_cast<std::uint64_t>(at % 2)), Chance::recache);
        if (at % 1000 == 999) marks.clear();
      }
    });
  }
  for (auto& writer : writers) writer.join();
  EXPECT_LE(marks.size(), 50u);
  EXPECT_LE(marks.key_bytes(), 300u);
}

}  // namespace
}  // namespace flare
