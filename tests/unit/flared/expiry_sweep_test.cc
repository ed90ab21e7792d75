#include "flared/expiry_sweep.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "unit/storage/storage_helpers.h"

namespace flare {
namespace {

using std::chrono::seconds;

class MovedClock final : public Clock {
 public:
  std::int64_t unix_s() const override { return day_s; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point{seconds{steady_s}};
  }
  void pass(std::int64_t passed_s) {
    day_s += passed_s;
    steady_s += passed_s;
  }
  std::atomic<std::int64_t> day_s{now_s};
  std::atomic<std::int64_t> steady_s{1000};
};

class GentleSweep : public testing::Test {
 protected:
  explicit GentleSweep(ExpirySweep::Rhythm rhythm = {}) : storage_(folder_.open()), rhythm_(rhythm) {}

  void store(const std::string& key, std::int64_t expire_s) {
    ASSERT_TRUE(run(*storage_, {.kind = OperationKind::set, .key = key, .data = "x", .expire_s = expire_s}));
  }

  // One look, and the sweep that may come of it, to its end.
  bool look() {
    const bool began = sweep_.look();
    context_.restart();
    context_.run();
    return began;
  }

  std::vector<std::string> keys() {
    std::vector<std::string> keys;
    for (const auto& [key, record] : contents_of(*storage_)) keys.push_back(key);
    return keys;
  }

  KyotoFolder folder_;
  std::unique_ptr<KyotoStorage> storage_;
  ExpirySweep::Rhythm rhythm_;
  boost::asio::io_context context_;
  BlockingPool pool_{1, 8};
  MovedClock clock_;
  CollectedLog log_;
  bool master_ = true;
  ExpirySweep sweep_{context_.get_executor(), *storage_, pool_, clock_, log_, [this] { return master_; }, rhythm_};
};

TEST_F(GentleSweep, RemovesWhatHasExpiredForAMinuteByLoggedDeletes) {
  store("long-expired", now_s + 9);
  store("just-expired", now_s + 40);
  store("alive", now_s + 1000);
  store("for-ever", 0);
  clock_.pass(70);
  const auto before = storage_->position();
  EXPECT_TRUE(look());
  EXPECT_EQ(keys(), (std::vector<std::string>{"alive", "for-ever", "just-expired"}));
  EXPECT_EQ(storage_->figures().items, 3U);
  const auto logged = log_after(*storage_, before.sequence);
  ASSERT_EQ(logged.size(), 1U);
  clock_.pass(60);
  EXPECT_TRUE(look());
  EXPECT_EQ(keys(), (std::vector<std::string>{"alive", "for-ever"}));
  EXPECT_EQ(sweep_.reclaimed(), 2U);
}

TEST_F(GentleSweep, DoesNotLookAgainBeforeSomethingCanHaveExpired) {
  store("alive", now_s + 1000);
  clock_.pass(61);
  EXPECT_TRUE(look());  // what a store holds that was just opened is not known
  clock_.pass(60);
  EXPECT_FALSE(look());
  clock_.pass(940);
  EXPECT_TRUE(look());
  EXPECT_TRUE(keys().empty());
}

TEST_F(GentleSweep, WaitsAMinuteAfterTheStart) {
  store("expired", now_s - 1000);
  clock_.pass(59);
  EXPECT_FALSE(look());
  clock_.pass(1);
  EXPECT_TRUE(look());
}

TEST_F(GentleSweep, WaitsAMinuteAfterAJumpOfTheClock) {
  for (const std::int64_t jump_s : {100'000, -90'000}) {
    store("k", clock_.day_s + 90'000);
    clock_.pass(61);
    clock_.day_s += jump_s;
    EXPECT_FALSE(look()) << jump_s;
    clock_.pass(59);
    EXPECT_FALSE(look()) << jump_s;
    EXPECT_EQ(keys().size(), 1U);
  }
}

class QuickSweep : public GentleSweep {
 protected:
  QuickSweep() : GentleSweep({.look_every = seconds{1}, .delay = seconds{5}}) {}
};

// What a jump shows as long expired by less than a minute is as dead once it is removed.
TEST_F(QuickSweep, TakesAJumpAsLongAsItsDelayForOne) {
  clock_.pass(6);
  store("alive", clock_.day_s + 20);
  clock_.day_s += 26;
  EXPECT_FALSE(look());
  clock_.day_s -= 26;  // it is set right
  EXPECT_FALSE(look());
  clock_.pass(5);
  EXPECT_TRUE(look());
  EXPECT_EQ(keys(), (std::vector<std::string>{"alive"}));
  clock_.pass(21);
  EXPECT_TRUE(look());
  EXPECT_TRUE(keys().empty());
}

TEST_F(QuickSweep, IsNotDisturbedByClocksReadInWholeSeconds) {
  clock_.pass(6);
  store("expired", clock_.day_s - 6);
  clock_.day_s += 1;
  EXPECT_TRUE(look());
  EXPECT_TRUE(keys().empty());
}

TEST_F(GentleSweep, IsTheMastersOnly) {
  store("expired", now_s - 1000);
  clock_.pass(100);
  master_ = false;
  EXPECT_FALSE(look());
  master_ = true;
  EXPECT_TRUE(look());
}

TEST_F(GentleSweep, GivesWayToOneWhoWaitsForRoom) {
  for (int i = 0; i < 1000; ++i) store("expired-" + std::to_string(i), now_s + 65);
  clock_.pass(70);
  ASSERT_TRUE(sweep_.look());
  bool made_room = false;
  sweep_.ask([&](bool done) { made_room = done; });
  context_.run();
  EXPECT_TRUE(made_room) << "what expired less than a minute ago goes too";
  EXPECT_TRUE(keys().empty());
}

}  // namespace
}  // namespace flare
