#include "flared/storage/operation.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

/// Every row of the table in protocol.md 3, against every state of a key.
namespace flare {
namespace {

constexpr std::int64_t now_s = 1000;
constexpr std::uint64_t version_max = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t lead = std::uint64_t{1} << 32;

Present alive(std::string_view data = "10", std::uint64_t version = 5) {
  return {.record = RecordView{.flags = 3, .expire_s = 2000, .version = RecordVersion{version}, .data = data}};
}
Present expired() {
  return {.record = RecordView{.flags = 3, .expire_s = 1000, .version = RecordVersion{5}, .data = "10"}};
}
Present held() { return {.remembered_version = RecordVersion{5}, .remembered_until_s = 1001}; }
Present gone() { return {.remembered_version = RecordVersion{5}, .remembered_until_s = 1000}; }
Present unknown() { return {}; }

struct Case {
  std::string name;
  OperationKind kind;
  Present present;
  std::uint64_t version;  // of the request
  OutcomeKind outcome;
  std::uint64_t new_version;  // of the record afterwards, or remembered
  ChangeKind change;
};

class Rules : public testing::TestWithParam<Case> {};

TEST_P(Rules, Hold) {
  const auto& given = GetParam();
  NumberText number;
  const bool compares = given.kind == OperationKind::cas;
  const RecordVersion asked{given.version};
  const Operation operation{.kind = given.kind,
                            .key = "k",
                            .data = "new",
                            .flags = 9,
                            .expire_s = 3000,
                            .version = compares ? RecordVersion{0} : asked,
                            .delta = 1,
                            .hold_until_s = 4000,
                            .compare = compares ? std::optional{asked} : std::nullopt};
  const auto decision = decide(operation, given.present, now_s, 100, number);
  EXPECT_EQ(decision.outcome.kind, given.outcome);
  EXPECT_EQ(raw(decision.outcome.version), given.new_version);
  EXPECT_EQ(decision.change.kind, given.change);
  if (given.change != ChangeKind::none) {
    EXPECT_EQ(raw(decision.change.version), given.new_version);
  }
}

// design.md 1: flare-backup writes what was there, and versions of a second master begin at epoch << 40.
TEST(Restored, HasItsVersionHoweverHigh) {
  for (const auto kind : {OperationKind::set, OperationKind::remove}) {
    NumberText number;
    const RecordVersion high{(std::uint64_t{7} << 40) + 3};
    const Operation operation{.kind = kind, .key = "k", .data = "d", .version = high, .any_version = true};
    const auto decision = decide(operation, Present{}, now_s, 100, number);
    EXPECT_EQ(decision.change.version, high);
    EXPECT_EQ(decision.change.kind, kind == OperationKind::set ? ChangeKind::store : ChangeKind::remember);
  }
}

// docs/spec/cluster.md 7: what two clusters hand back to each other comes to an end, whatever was done meanwhile.
TEST(Copied, ASetDoesNotUndoTheDeletionBehindIt) {
  for (const auto& present : {alive(), expired(), held(), gone(), unknown()}) {
    for (const auto version : {4U, 5U, 6U}) {
      NumberText number;
      const Operation operation{.kind = OperationKind::set,
                                .key = "k",
                                .data = "d",
                                .version = RecordVersion{version},
                                .any_version = true,
                                .copied = true};
      const bool newer = version > 5 || (!present.record && present.remembered_version == RecordVersion{0});
      const auto decision = decide(operation, present, now_s, 100, number);
      EXPECT_EQ(decision.outcome.kind, newer ? OutcomeKind::stored : OutcomeKind::not_stored) << version;
    }
  }
}

TEST(Touched, ToTheTimeThatItHasIsNothingToWrite) {
  for (const auto kind : {OperationKind::touch, OperationKind::gat}) {
    NumberText number;
    const auto decision =
        decide({.kind = kind, .key = "k", .expire_s = alive().record->expire_s}, alive(), now_s, 100, number);
    EXPECT_EQ(decision.outcome.kind, OutcomeKind::touched);
    EXPECT_TRUE(decision.outcome.unchanged);
    EXPECT_EQ(decision.change.kind, ChangeKind::none);
  }
}

constexpr auto add = OperationKind::add;
constexpr auto replace = OperationKind::replace;
constexpr auto append = OperationKind::append;
constexpr auto prepend = OperationKind::prepend;
constexpr auto touch = OperationKind::touch;
constexpr auto gat = OperationKind::gat;
constexpr auto cas = OperationKind::cas;
constexpr auto set_it = OperationKind::set;
constexpr auto incr = OperationKind::incr;
constexpr auto decr = OperationKind::decr;
constexpr auto erase = OperationKind::remove;
using enum OutcomeKind;
constexpr auto none = ChangeKind::none;
constexpr auto store = ChangeKind::store;

INSTANTIATE_TEST_SUITE_P(
    Protocol_3, Rules,
    testing::Values(
        Case{"add_alive", add, alive(), 0, not_stored, 5, none}, Case{"add_held", add, held(), 0, not_stored, 5, none},
        Case{"add_gone", add, gone(), 0, stored, 6, store}, Case{"add_expired", add, expired(), 0, stored, 6, store},
        Case{"add_unknown", add, unknown(), 0, stored, 1, store}, Case{"add_version", add, gone(), 3, stored, 3, store},

        Case{"replace_alive", replace, alive(), 0, stored, 6, store},
        Case{"replace_held", replace, held(), 0, not_stored, 5, none},
        Case{"replace_gone", replace, gone(), 0, not_stored, 5, none},
        Case{"replace_expired", replace, expired(), 0, not_stored, 5, none},
        Case{"replace_version", replace, alive(), 8, stored, 8, store},
        Case{"replace_same_version", replace, alive(), 5, not_stored, 5, none},

        Case{"append_alive", append, alive(), 0, stored, 6, store},
        Case{"append_held", append, held(), 0, not_stored, 5, none},
        Case{"append_unknown", append, unknown(), 0, not_stored, 0, none},
        Case{"append_version", append, alive(), 9, stored, 9, store},
        Case{"append_old_version", append, alive(), 4, not_stored, 5, none},
        Case{"prepend_alive", prepend, alive(), 0, stored, 6, store},
        Case{"prepend_expired", prepend, expired(), 0, not_stored, 5, none},

        Case{"touch_alive", touch, alive(), 0, touched, 5, ChangeKind::touch},
        Case{"touch_held", touch, held(), 0, not_found, 5, none},
        Case{"touch_expired", touch, expired(), 0, not_found, 5, none},
        Case{"touch_unknown", touch, unknown(), 0, not_found, 0, none},
        Case{"gat_alive", gat, alive(), 0, touched, 5, ChangeKind::touch},
        Case{"gat_gone", gat, gone(), 0, not_found, 5, none},
        Case{"touch_ignores_a_version", touch, alive(), 99, touched, 5, ChangeKind::touch},

        Case{"cas_alive_equal", cas, alive(), 5, stored, 6, store},
        Case{"cas_alive_other", cas, alive(), 6, exists, 5, none},
        Case{"cas_held_equal", cas, held(), 5, stored, 6, store},
        Case{"cas_held_other", cas, held(), 4, exists, 5, none}, Case{"cas_gone", cas, gone(), 5, not_found, 5, none},
        Case{"cas_expired", cas, expired(), 5, not_found, 5, none},

        Case{"set_alive", set_it, alive(), 0, stored, 6, store}, Case{"set_held", set_it, held(), 0, stored, 6, store},
        Case{"set_gone", set_it, gone(), 0, stored, 6, store},
        Case{"set_expired", set_it, expired(), 0, stored, 6, store},
        Case{"set_unknown", set_it, unknown(), 0, stored, 1, store},
        Case{"set_newer_version", set_it, alive(), 20, stored, 20, store},
        Case{"set_same_version", set_it, alive(), 5, not_stored, 5, none},
        Case{"set_older_version", set_it, alive(), 4, not_stored, 5, none},
        Case{"set_older_version_on_gone", set_it, gone(), 4, stored, 4, store},
        Case{"set_older_version_on_expired", set_it, expired(), 4, stored, 4, store},
        Case{"set_highest_lead", set_it, alive(), 5 + lead, stored, 5 + lead, store},
        Case{"set_too_high", set_it, alive(), 6 + lead, version_too_high, 5, none},
        Case{"set_too_high_on_unknown", set_it, unknown(), version_max, version_too_high, 0, none},
        Case{"set_wraps", set_it, alive("x", version_max), 0, stored, 0, store},

        Case{"incr_alive", incr, alive(), 0, number, 6, store}, Case{"incr_held", incr, held(), 0, not_found, 5, none},
        Case{"incr_expired", incr, expired(), 0, not_found, 5, none},
        Case{"decr_unknown", decr, unknown(), 0, not_found, 0, none},
        Case{"incr_text", incr, alive("abc"), 0, non_numeric, 5, none},

        Case{"delete_alive", erase, alive(), 0, deleted, 5, ChangeKind::remove},
        Case{"delete_lower", erase, alive(), 4, not_found, 5, none},
        Case{"delete_equal", erase, alive(), 5, deleted, 5, ChangeKind::remove},
        Case{"delete_higher", erase, alive(), 8, deleted, 8, ChangeKind::remove},
        Case{"delete_expired", erase, expired(), 0, not_found, 5, ChangeKind::remove},
        Case{"delete_unknown", erase, unknown(), 0, not_found, 0, none},
        Case{"delete_unknown_version", erase, unknown(), 40, not_found, 40, ChangeKind::remember},
        Case{"delete_gone_lower", erase, gone(), 4, not_found, 5, none},
        Case{"delete_held_equal", erase, Present{held().record, held().remembered_version, 4000}, 5, not_found, 5,
             none},
        Case{"delete_gone_equal_with_a_later_hold", erase, gone(), 5, not_found, 5, ChangeKind::remember},
        Case{"delete_held_higher", erase, held(), 7, not_found, 7, ChangeKind::remember},
        Case{"delete_too_high", erase, alive(), version_max, version_too_high, 5, none}),
    [](const auto& given) { return given.param.name; });

Decision decide_on(const Operation& operation, std::string_view data, NumberText& number) {
  return decide(operation, alive(data), now_s, 100, number);
}

TEST(Changes, StoreWhatTheClientSent) {
  NumberText number;
  const auto change = decide_on({.kind = set_it, .data = "new", .flags = 9, .expire_s = 3000}, "10", number).change;
  EXPECT_EQ(change.head, "new");
  EXPECT_EQ(change.flags, 9u);
  EXPECT_EQ(change.expire_s, 3000);
}

TEST(Changes, AppendAndPrependKeepFlagsAndExpiry) {
  NumberText number;
  for (const auto kind : {append, prepend}) {
    const auto change = decide_on({.kind = kind, .data = "new", .flags = 9, .expire_s = 3000}, "10", number).change;
    EXPECT_EQ(std::string{change.head} + std::string{change.tail}, kind == append ? "10new" : "new10");
    EXPECT_EQ(change.flags, 3u);
    EXPECT_EQ(change.expire_s, 2000);
  }
}

TEST(Changes, AnEmptyAppendStillRaisesTheVersion) {
  NumberText number;
  EXPECT_EQ(decide_on({.kind = append}, "10", number).change.version, RecordVersion{6});
}

TEST(Changes, AppendStopsAtTheValueLimit) {
  NumberText number;
  const std::string old(98, 'x');
  EXPECT_EQ(decide_on({.kind = append, .data = "ab"}, old, number).outcome.kind, stored);
  EXPECT_EQ(decide_on({.kind = append, .data = "abc"}, old, number).outcome.kind, too_large);
  EXPECT_EQ(decide_on({.kind = prepend, .data = "abc"}, old, number).outcome.kind, too_large);
}

TEST(Changes, TouchKeepsAllButTheExpiry) {
  NumberText number;
  const auto change = decide_on({.kind = touch, .flags = 9, .expire_s = 3000}, "10", number).change;
  EXPECT_EQ(change.head, "10");
  EXPECT_EQ(change.flags, 3u);
  EXPECT_EQ(change.expire_s, 3000);
}

TEST(Changes, DeleteTakesTheHoldAlong) {
  NumberText number;
  EXPECT_EQ(decide_on({.kind = erase, .hold_until_s = 4000}, "10", number).change.hold_until_s, 4000);
}

struct Sum {
  std::string before;
  OperationKind kind;
  std::uint64_t delta;
  std::string after;  // empty: non-numeric
};

class Arithmetic : public testing::TestWithParam<Sum> {};

// design.md 1 follows memcached 1.6 here, in place of protocol.md 3.
TEST_P(Arithmetic, IsMemcacheds) {
  const auto& given = GetParam();
  NumberText number;
  const auto decision =
      decide_on({.kind = given.kind, .flags = 9, .expire_s = 7, .delta = given.delta}, given.before, number);
  if (given.after.empty()) {
    EXPECT_EQ(decision.outcome.kind, non_numeric);
    return;
  }
  ASSERT_EQ(decision.outcome.kind, OutcomeKind::number);
  EXPECT_EQ(std::to_string(decision.outcome.number), given.after);
  EXPECT_EQ(decision.change.head, given.after);
  EXPECT_EQ(decision.change.flags, 3u);
  EXPECT_EQ(decision.change.expire_s, 2000);
}

INSTANTIATE_TEST_SUITE_P(Design_1, Arithmetic,
                         testing::Values(Sum{"10", incr, 5, "15"}, Sum{"100", decr, 1, "99"}, Sum{"3", decr, 4, "0"},
                                         Sum{"0005", incr, 1, "6"}, Sum{"7  ", incr, 1, "8"},
                                         Sum{"18446744073709551615", incr, 1, "0"},
                                         Sum{"18446744073709551615", incr, 0, "18446744073709551615"},
                                         Sum{"5", incr, std::numeric_limits<std::uint64_t>::max(), "4"},
                                         Sum{"18446744073709551616", incr, 1, ""}, Sum{"", incr, 1, ""},
                                         Sum{"  ", incr, 1, ""}, Sum{"12abc", incr, 1, ""}, Sum{"1.5", incr, 1, ""},
                                         Sum{"-5", decr, 1, ""}, Sum{"+5", decr, 1, "4"}, Sum{" 5", incr, 1, "6"},
                                         Sum{"\t5\r", incr, 1, "6"}, Sum{"12 abc", incr, 1, "13"},
                                         Sum{"+", incr, 1, ""}, Sum{"5x", incr, 1, ""}, Sum{"1 2", incr, 1, "2"}));

}  // namespace
}  // namespace flare
