#include "flared/replication/in_sync_set.h"

#include <gtest/gtest.h>

#include <ostream>

namespace flare {
namespace {

using namespace std::chrono_literals;
using Outcome = InSyncSet::Outcome;
using Report = InSyncSet::Report;

constexpr InSyncSet::TimePoint start{};
const NodeKey master{"m:1"};
const NodeKey one{"s:1"};
const NodeKey two{"s:2"};

InSyncSet::Members members(std::uint64_t epoch, std::set<NodeKey> in_sync, std::set<NodeKey> slaves = {one, two}) {
  in_sync.insert(master);
  return {Epoch{epoch}, std::move(in_sync), std::move(slaves), {}, true};
}

InSyncOptions sync_options() {
  InSyncOptions options;
  options.sync = true;
  return options;
}

InSyncSet leading(const InSyncSet::Members& members, InSyncOptions options = sync_options()) {
  InSyncSet set{master, options};
  set.lead(members, start);
  return set;
}

TEST(InSyncSetOfAMaster, WaitsForAllThatTheMapNames) {
  auto set = leading(members(5, {one, two}));
  EXPECT_EQ(set.committed(Sequence{10}), Sequence{0});
  set.on_ack(one, Sequence{10}, Sequence{10}, start);
  EXPECT_EQ(set.committed(Sequence{10}), Sequence{0});
  set.on_ack(two, Sequence{7}, Sequence{10}, start);
  EXPECT_EQ(set.committed(Sequence{10}), Sequence{7});
}

TEST(InSyncSetOfAMaster, CommitsWhatIsWrittenWhenItIsAlone) {
  auto set = leading(members(5, {}));
  EXPECT_EQ(set.committed(Sequence{10}), Sequence{10});
}

TEST(InSyncSetOfAMaster, NeverGoesBackWhenASlaveJoins) {
  auto set = leading(members(5, {}));
  ASSERT_EQ(set.committed(Sequence{10}), Sequence{10});
  set.on_ack(one, Sequence{8}, Sequence{10}, start);
  set.on_caught_up(one, Sequence{10}, start);
  EXPECT_EQ(set.committed(Sequence{10}), Sequence{10});
}

TEST(InSyncSetOfAMaster, WaitsForAJoinerBeforeTheIndexIsTold) {
  auto set = leading(members(5, {}));
  ASSERT_EQ(set.committed(Sequence{10}), Sequence{10});
  set.on_ack(one, Sequence{8}, Sequence{10}, start);
  set.on_caught_up(one, Sequence{10}, start);
  EXPECT_TRUE(set.waits_for(one));
  // It lacks 9 and 10, which have been acknowledged: it must not be promoted yet.
  EXPECT_EQ(set.next_report(Sequence{12}, false, start), std::nullopt);
  EXPECT_EQ(set.committed(Sequence{12}), Sequence{10});
  set.on_ack(one, Sequence{10}, Sequence{12}, start);
  EXPECT_EQ(set.next_report(Sequence{12}, false, start), (Report{one, Epoch{5}, true}));
  EXPECT_FALSE(set.is_in_sync(one));
  set.on_reported({one, Epoch{5}, true}, Outcome::stored, start);
  EXPECT_TRUE(set.is_in_sync(one));
  EXPECT_EQ(set.committed(Sequence{12}), Sequence{10});
}

TEST(InSyncSetOfAMaster, WaitsForAJoinerWhoseReportHasNoAnswer) {
  auto set = leading(members(5, {}));
  set.on_ack(one, Sequence{0}, Sequence{0}, start);
  set.on_caught_up(one, Sequence{0}, start);
  ASSERT_TRUE(set.next_report(Sequence{0}, false, start));
  set.on_reported({one, Epoch{5}, true}, Outcome::unknown, start);
  // Silent: but the index may have stored it, or do so still. First in, then out.
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 900ms), std::nullopt);
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 1800ms), (Report{one, Epoch{5}, true}));
  EXPECT_EQ(set.committed(Sequence{1}), Sequence{0});
  set.on_reported({one, Epoch{5}, true}, Outcome::stored, start + 1800ms);
  set.on_map(members(6, {one}), start + 1800ms);
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 1900ms), (Report{one, Epoch{6}, false}));
}

TEST(InSyncSetOfAMaster, DropsASilentJoinerOfWhomNobodyWasTold) {
  auto set = leading(members(5, {}));
  ASSERT_EQ(set.committed(Sequence{10}), Sequence{10});
  set.on_ack(one, Sequence{8}, Sequence{10}, start);
  set.on_caught_up(one, Sequence{10}, start);
  EXPECT_EQ(set.next_report(Sequence{12}, true, start + 900ms), std::nullopt);
  EXPECT_EQ(set.next_report(Sequence{12}, true, start + 1100ms), std::nullopt);
  EXPECT_EQ(set.committed(Sequence{12}), Sequence{12});
}

TEST(InSyncSetOfAMaster, WaitsForALeaverUntilTheIndexHasStoredItsRemoval) {
  auto set = leading(members(5, {one}));
  set.on_ack(one, Sequence{3}, Sequence{3}, start);
  EXPECT_EQ(set.next_report(Sequence{4}, true, start + 900ms), std::nullopt);
  EXPECT_EQ(set.next_report(Sequence{4}, true, start + 1100ms), (Report{one, Epoch{5}, false}));
  EXPECT_EQ(set.committed(Sequence{4}), Sequence{3});
  set.on_reported({one, Epoch{5}, false}, Outcome::unknown, start + 1200ms);
  EXPECT_EQ(set.committed(Sequence{4}), Sequence{3});
  EXPECT_EQ(set.next_report(Sequence{4}, true, start + 2100ms), std::nullopt);
  ASSERT_TRUE(set.next_report(Sequence{4}, true, start + 2200ms));
  set.on_reported({one, Epoch{5}, false}, Outcome::refused, start + 2200ms);
  EXPECT_EQ(set.committed(Sequence{4}), Sequence{3});
  set.on_map(members(6, {one}), start + 2300ms);
  ASSERT_EQ(set.next_report(Sequence{4}, true, start + 2300ms), (Report{one, Epoch{6}, false}));
  set.on_reported({one, Epoch{6}, false}, Outcome::stored, start + 2400ms);
  EXPECT_EQ(set.committed(Sequence{4}), Sequence{4});
}

TEST(InSyncSetOfAMaster, TakesALeaverInAgainOnlyWhenItHasAllThatWasCommittedWithoutIt) {
  auto set = leading(members(5, {one}));
  set.on_ack(one, Sequence{3}, Sequence{3}, start);
  set.on_caught_up(one, Sequence{3}, start);
  ASSERT_EQ(set.next_report(Sequence{4}, true, start + 900ms), std::nullopt);
  ASSERT_TRUE(set.next_report(Sequence{4}, true, start + 1100ms));
  set.on_reported({one, Epoch{5}, false}, Outcome::stored, start + 1100ms);
  set.on_map(members(6, {}), start + 1100ms);
  ASSERT_EQ(set.committed(Sequence{8}), Sequence{8});
  set.on_ack(one, Sequence{4}, Sequence{8}, start + 1200ms);
  EXPECT_TRUE(set.waits_for(one));
  EXPECT_EQ(set.next_report(Sequence{8}, false, start + 1200ms), std::nullopt);
  set.on_ack(one, Sequence{8}, Sequence{8}, start + 1300ms);
  EXPECT_EQ(set.next_report(Sequence{8}, false, start + 1300ms), (Report{one, Epoch{6}, true}));
}

TEST(InSyncSetOfAMaster, KeepsAJoinerThatAnOlderMapDoesNotShow) {
  auto set = leading(members(5, {}));
  set.on_ack(one, Sequence{0}, Sequence{0}, start);
  set.on_caught_up(one, Sequence{0}, start);
  ASSERT_TRUE(set.next_report(Sequence{0}, false, start));
  set.on_reported({one, Epoch{5}, true}, Outcome::stored, start);
  set.on_map(members(5, {}), start);  // was on its way when the index answered OK
  EXPECT_TRUE(set.waits_for(one));
  set.on_map(members(7, {}), start);
  EXPECT_FALSE(set.waits_for(one));
}

TEST(InSyncSetOfAMaster, DropsWhomTheIndexHasRemoved) {
  auto set = leading(members(5, {one, two}));
  set.on_ack(two, Sequence{9}, Sequence{9}, start);
  EXPECT_EQ(set.committed(Sequence{9}), Sequence{0});
  set.on_map(members(6, {two}, {two}), start);
  EXPECT_EQ(set.committed(Sequence{9}), Sequence{9});
}

TEST(InSyncSetOfAMaster, ReportsOneAtATime) {
  auto set = leading(members(5, {one, two}));
  ASSERT_EQ(set.next_report(Sequence{1}, true, start + 900ms), std::nullopt);
  ASSERT_EQ(set.next_report(Sequence{1}, true, start + 1100ms), (Report{one, Epoch{5}, false}));
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 1200ms), std::nullopt);
  set.on_reported({one, Epoch{5}, false}, Outcome::stored, start + 1200ms);
  // The index would refuse the old epoch.
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 1200ms), std::nullopt);
  set.on_map(members(6, {two}), start + 1300ms);
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 1300ms), (Report{two, Epoch{6}, false}));
}

TEST(InSyncSetOfAMaster, AccusesNobodyOfSilenceForItsOwnPause) {
  auto set = leading(members(5, {one}));
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 60s), std::nullopt);
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 60s + 900ms), std::nullopt);
  EXPECT_TRUE(set.next_report(Sequence{1}, true, start + 60s + 1100ms));
}

struct LeaveCase {
  const char* what;
  bool sync;
  bool waited_for;
  std::uint64_t lag_max;
  std::chrono::milliseconds silence;
  std::uint64_t lag;
  bool leaves;
};

void PrintTo(const LeaveCase& leave, std::ostream* out) { *out << leave.what; }

class InSyncSetLeaves : public testing::TestWithParam<LeaveCase> {};

TEST_P(InSyncSetLeaves, ByTheRule) {
  const auto& c = GetParam();
  InSyncOptions options;
  options.sync = c.sync;
  options.lag_max = c.lag_max;
  auto set = leading(members(5, {one}), options);
  set.on_ack(one, Sequence{10}, Sequence{10}, start);
  set.on_caught_up(one, Sequence{10}, start);
  for (auto now = 0ms; now < c.silence; now += 500ms) {
    EXPECT_EQ(set.next_report(Sequence{10}, c.waited_for, start + now), std::nullopt) << now.count();
  }
  EXPECT_EQ(set.next_report(Sequence{10 + c.lag}, c.waited_for, start + c.silence).has_value(), c.leaves);
}

INSTANTIATE_TEST_SUITE_P(Replication_8, InSyncSetLeaves,
                         testing::Values(LeaveCase{"heard", true, true, 0, 900ms, 1000, false},
                                         LeaveCase{"silent in sync", true, false, 0, 1100ms, 0, true},
                                         LeaveCase{"silent, a word waits", false, true, 0, 1100ms, 0, true},
                                         LeaveCase{"silent in async", false, false, 0, 9s, 0, false},
                                         LeaveCase{"long silent in async", false, false, 0, 10001ms, 0, true},
                                         LeaveCase{"behind in async", false, false, 100, 0ms, 101, true},
                                         LeaveCase{"a little behind", false, false, 100, 0ms, 100, false},
                                         LeaveCase{"behind without limit", false, false, 0, 0ms, 1'000'000, false},
                                         LeaveCase{"behind in sync", true, false, 100, 0ms, 101, false}));

TEST(InSyncSetOfAMaster, ASlaveThatLoadsASnapshotLeavesAtOnce) {
  auto set = leading(members(5, {one}), InSyncOptions{});
  set.on_ack(one, Sequence{10}, Sequence{10}, start);
  set.on_rebuild(one);
  EXPECT_EQ(set.next_report(Sequence{10}, false, start), (Report{one, Epoch{5}, false}));
}

struct MinimumCase {
  int replicas_min;
  std::set<NodeKey> in_sync;
  bool may_begin;
};

class InSyncSetMinimum : public testing::TestWithParam<MinimumCase> {};

TEST_P(InSyncSetMinimum, CountsTheMaster) {
  auto options = sync_options();
  options.replicas_min = GetParam().replicas_min;
  EXPECT_EQ(leading(members(5, GetParam().in_sync), options).may_begin(), GetParam().may_begin);
}

INSTANTIATE_TEST_SUITE_P(Replication_9, InSyncSetMinimum,
                         testing::Values(MinimumCase{1, {}, true}, MinimumCase{2, {}, false},
                                         MinimumCase{2, {one}, true}, MinimumCase{3, {one}, false},
                                         MinimumCase{3, {one, two}, true}));

TEST(InSyncSetOfAMaster, DoesNotCountWhoIsLeaving) {
  auto options = sync_options();
  options.replicas_min = 2;
  auto set = leading(members(5, {one}), options);
  ASSERT_TRUE(set.may_begin());
  set.next_report(Sequence{1}, true, start + 900ms);
  ASSERT_TRUE(set.next_report(Sequence{1}, true, start + 1100ms));
  EXPECT_FALSE(set.may_begin());
}

TEST(InSyncSetUnderAnOriginalIndex, WaitsForEveryActiveSlaveAndForWhomItConfirmed) {
  auto told = members(8, {one});
  told.stored = false;
  auto set = leading(told);
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 900ms), std::nullopt);
  EXPECT_EQ(set.next_report(Sequence{1}, true, start + 1800ms), std::nullopt);  // it cannot be told
  set.on_ack(two, Sequence{1}, Sequence{1}, start + 1800ms);
  set.on_caught_up(two, Sequence{1}, start + 1800ms);
  ASSERT_EQ(set.next_report(Sequence{1}, true, start + 1800ms), (Report{two, Epoch{8}, true}));
  set.on_reported({two, Epoch{8}, true}, Outcome::not_a_thing, start + 1800ms);
  EXPECT_TRUE(set.is_in_sync(two));
  told.epoch = Epoch{9};
  set.on_map(told, start + 1800ms);  // still preparing there: it may become active by its own word at any time
  EXPECT_TRUE(set.waits_for(two));
  told.slaves = {one};
  told.epoch = Epoch{10};
  set.on_map(told, start + 1800ms);
  EXPECT_FALSE(set.waits_for(two));
}

// replication.md 8: an original index is asked by the operator's option only, and the slave is waited for until then.
TEST(InSyncSetUnderAnOriginalIndex, DismissesASilentSlaveByTheOptionOnly) {
  InSyncSet::Members known{Epoch{5}, {master, one}, {one}, {}, false};
  for (const auto limit : {0s, 20s}) {
    auto options = sync_options();
    options.dismiss_silent_max = limit;
    auto set = leading(known, options);
    set.on_ack(one, Sequence{3}, Sequence{3}, start);
    for (auto now = start; now <= start + 20s; now += 500ms)
      ASSERT_EQ(set.next_report(Sequence{4}, true, now), std::nullopt);
    const auto late = start + 20s + 500ms;
    const auto report = set.next_report(Sequence{4}, true, late);
    const Report dismissal{one, Epoch{5}, false};
    EXPECT_EQ(report, limit == 0s ? std::nullopt : std::optional{dismissal});
    EXPECT_EQ(set.committed(Sequence{4}), Sequence{3}) << "it may still be promoted";
    if (!report) continue;
    set.on_reported(*report, Outcome::refused, late);
    EXPECT_EQ(set.committed(Sequence{4}), Sequence{3});
    const auto again = set.next_report(Sequence{4}, true, late + 1s);
    ASSERT_TRUE(again);
    set.on_reported(*again, Outcome::stored, late + 1s);
    EXPECT_EQ(set.committed(Sequence{4}), Sequence{4});
  }
}

TEST(InSyncSetUnderAnOriginalIndex, KeepsASlaveThatIsHeardAgainBeforeItWasDismissed) {
  auto options = sync_options();
  options.dismiss_silent_max = 1s;
  auto set = leading({Epoch{5}, {master, one}, {one}, {}, false}, options);
  const auto report = set.next_report(Sequence{4}, true, start + 1s);
  ASSERT_EQ(report, std::nullopt);
  const auto asked = set.next_report(Sequence{4}, true, start + 1500ms);
  ASSERT_TRUE(asked);
  set.on_reported(*asked, Outcome::refused, start + 1600ms);
  set.on_ack(one, Sequence{4}, Sequence{4}, start + 2s);
  EXPECT_EQ(set.next_report(Sequence{4}, true, start + 2700ms), std::nullopt);
  EXPECT_TRUE(set.waits_for(one));
  EXPECT_EQ(set.committed(Sequence{5}), Sequence{4});
}

TEST(InSyncSetOfAMaster, TellsAnIndexAgainThatHasForgotten) {
  auto set = leading(members(5, {}));
  set.on_ack(one, Sequence{0}, Sequence{0}, start);
  set.on_caught_up(one, Sequence{0}, start);
  ASSERT_TRUE(set.next_report(Sequence{0}, false, start));
  set.on_reported({one, Epoch{5}, true}, Outcome::stored, start);
  auto forgetful = members(6, {one});
  forgetful.preparing = {one};
  set.on_map(forgetful, start);
  EXPECT_EQ(set.next_report(Sequence{0}, false, start), (Report{one, Epoch{6}, true}));
}

}  // namespace
}  // namespace flare
