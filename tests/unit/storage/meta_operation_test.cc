#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "flared/storage/operation.h"

/// What meta and binary commands add to the rules (memcached 1.6.18, tried): compare, creation, new times and stale
/// stores, for every kind against every state of a key.
namespace flare {
namespace {

constexpr std::int64_t now_s = 1000;

struct State {
  std::string name;
  Present present;
};

const std::vector<State> states{
    {"alive", {.record = RecordView{.flags = 3, .expire_s = 2000, .version = RecordVersion{5}, .data = "10"}}},
    {"expired", {.record = RecordView{.flags = 3, .expire_s = 1000, .version = RecordVersion{5}, .data = "10"}}},
    {"held", {.remembered_version = RecordVersion{5}, .remembered_until_s = 1001}},
    {"remembered", {.remembered_version = RecordVersion{5}, .remembered_until_s = 1000}},
    {"gone", {}},
};

char letter(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::stored:
      return 'S';
    case OutcomeKind::not_stored:
      return 'N';
    case OutcomeKind::exists:
      return 'E';
    case OutcomeKind::not_found:
      return 'M';
    case OutcomeKind::deleted:
      return 'D';
    case OutcomeKind::touched:
      return 'T';
    case OutcomeKind::number:
      return '#';
    case OutcomeKind::non_numeric:
    case OutcomeKind::version_too_high:
    case OutcomeKind::too_large:
      break;
  }
  return '?';
}

RecordVersion version_of(const Present& present) {
  return present.record ? present.record->version : present.remembered_version;
}

/// For each state, one letter for each compare: none, equal, older, newer.
struct Row {
  std::string name;
  OperationKind kind;
  bool creates;
  bool stale_if_older;
  std::string_view alive, expired, held, remembered, gone;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class CompareRules : public testing::TestWithParam<Row> {};

std::vector<std::optional<RecordVersion>> compares(const Present& present) {
  const auto version = raw(version_of(present));
  return {std::nullopt, RecordVersion{version}, RecordVersion{version - 1}, RecordVersion{version + 1}};
}

Operation operation_of(const Row& row, std::optional<RecordVersion> compare) {
  return {.kind = row.kind,
          .key = "k",
          .data = "new",
          .flags = 9,
          .expire_s = 3000,
          .delta = 1,
          .compare = compare,
          .stale_if_older = row.stale_if_older,
          .creation = row.creates ? std::optional{Creation{.data = "77", .expire_s = 4000}} : std::nullopt};
}

// docs/spec/protocol.md 3: what changes the data has the next version, also after a deletion; a touch keeps it.
void expect_consistent(const Decision& decision, const Present& present) {
  const auto before = version_of(present);
  const auto& [outcome, change, shown] = decision;
  EXPECT_EQ(outcome.version, change.kind == ChangeKind::store ? next(before) : before);
  switch (change.kind) {
    case ChangeKind::store:
    case ChangeKind::touch:
      EXPECT_EQ(change.version, outcome.version);
      EXPECT_EQ(change.expire_s, outcome.expire_s);
      break;
    case ChangeKind::remove:
    case ChangeKind::remember:
      EXPECT_EQ(outcome.expire_s, 0);
      break;
    case ChangeKind::none:
      EXPECT_EQ(outcome.expire_s, present.record ? present.record->expire_s : 0);
      break;
  }
}

TEST_P(CompareRules, HoldInEveryState) {
  const auto& row = GetParam();
  const std::vector expected{row.alive, row.expired, row.held, row.remembered, row.gone};
  for (std::size_t at = 0; at < states.size(); ++at) {
    SCOPED_TRACE(states[at].name);
    const auto& present = states[at].present;
    std::string seen;
    for (const auto compare : compares(present)) {
      NumberText number;
      const auto decision = decide(operation_of(row, compare), present, now_s, 100, number);
      seen += letter(decision.outcome.kind);
      expect_consistent(decision, present);
    }
    EXPECT_EQ(seen, expected[at]);
  }
}

using enum OperationKind;

// The older compare of a version 0 is 2^64-1, which is newer.
INSTANTIATE_TEST_SUITE_P(
    Memcached_1_6, CompareRules,
    testing::Values(Row{"set", set, false, false, "SSSS", "SSSS", "SSSS", "SSSS", "SSSS"},
                    Row{"add", add, false, false, "NNNN", "SSSS", "NNNN", "SSSS", "SSSS"},
                    Row{"replace", replace, false, false, "SSSS", "NNNN", "NNNN", "NNNN", "NNNN"},
                    Row{"cas", cas, false, false, "MSEE", "MMMM", "MSEE", "MMMM", "MMMM"},
                    Row{"cas_stale_if_older", cas, false, true, "MSSE", "MMMM", "MSEE", "MMMM", "MMMM"},
                    Row{"append", append, false, false, "SSEE", "NNNN", "NNNN", "NNNN", "NNNN"},
                    Row{"append_is_never_stale", append, false, true, "SSEE", "NNNN", "NNNN", "NNNN", "NNNN"},
                    Row{"prepend", prepend, false, false, "SSEE", "NNNN", "NNNN", "NNNN", "NNNN"},
                    Row{"incr", incr, false, false, "##EE", "MMMM", "MMMM", "MMMM", "MMMM"},
                    Row{"incr_creates", incr, true, false, "##EE", "####", "MMMM", "####", "####"},
                    Row{"decr", decr, false, false, "##EE", "MMMM", "MMMM", "MMMM", "MMMM"},
                    Row{"decr_creates", decr, true, false, "##EE", "####", "MMMM", "####", "####"},
                    Row{"remove", remove, false, false, "DDEE", "MMMM", "MMMM", "MMMM", "MMMM"},
                    Row{"invalidate", invalidate, false, false, "DDEE", "MMMM", "MMMM", "MMMM", "MMMM"},
                    Row{"touch", touch, false, false, "TTEE", "MMMM", "MMMM", "MMMM", "MMMM"},
                    Row{"gat", gat, false, false, "TTEE", "MMMM", "MMMM", "MMMM", "MMMM"},
                    Row{"fetch", fetch, false, false, "TTTT", "MMMM", "MMMM", "MMMM", "MMMM"},
                    Row{"fetch_creates", fetch, true, false, "TTTT", "TTTT", "MMMM", "TTTT", "TTTT"}),
    [](const auto& given) { return given.param.name; });

Decision decide_in(std::size_t state, const Operation& operation) {
  static NumberText number;  // a change points to it
  return decide(operation, states[state].present, now_s, 100, number);
}
constexpr std::size_t alive = 0, expired = 1, gone = 4;

TEST(MetaChanges, OnlyAnOlderCompareStoresStale) {
  for (const std::uint64_t compare : {4u, 5u}) {
    const auto decision =
        decide_in(alive, {.kind = cas, .data = "n", .compare = RecordVersion{compare}, .stale_if_older = true});
    EXPECT_EQ(decision.outcome.kind, OutcomeKind::stored);
    EXPECT_EQ(decision.outcome.stale, compare < 5);
    EXPECT_EQ(decision.change.version, RecordVersion{6});
  }
}

TEST(MetaChanges, AnInvalidatedRecordKeepsDataFlagsAndTime) {
  const auto [outcome, change, shown] = decide_in(alive, {.kind = invalidate, .data = "n", .flags = 9, .expire_s = 7});
  EXPECT_TRUE(outcome.stale);
  EXPECT_EQ(change.kind, ChangeKind::store);
  EXPECT_EQ(change.head, "10");
  EXPECT_EQ(change.flags, 3u);
  EXPECT_EQ(change.expire_s, 2000);
  EXPECT_FALSE(shown);
}

TEST(MetaChanges, ACreatedNumberIsTheAnswerWithoutTheDelta) {
  for (const auto kind : {incr, decr}) {
    const auto [outcome, change, shown] =
        decide_in(gone, {.kind = kind, .flags = 9, .delta = 5, .creation = Creation{.data = "77", .expire_s = 4000}});
    EXPECT_TRUE(outcome.created);
    EXPECT_EQ(outcome.number, 77u);
    EXPECT_EQ(change.head, "77");
    EXPECT_EQ(change.flags, 9u);
    EXPECT_EQ(change.expire_s, 4000);
    EXPECT_EQ(change.version, RecordVersion{1});
  }
}

TEST(MetaChanges, ANewTimeHoldsForWhatIsCreatedToo) {
  for (const auto kind : {incr, decr, fetch}) {
    const Operation operation{.kind = kind, .creation = Creation{.data = "1", .expire_s = 4000}, .new_expire_s = 5000};
    EXPECT_EQ(decide_in(expired, operation).change.expire_s, 5000);
    EXPECT_EQ(decide_in(alive, operation).change.expire_s, 5000);
    EXPECT_EQ(decide_in(alive, operation).outcome.expire_s, 5000);
  }
  EXPECT_EQ(decide_in(alive, {.kind = invalidate, .new_expire_s = 0}).change.expire_s, 0);
}

TEST(MetaChanges, FetchShowsTheRecordAsItWasFound) {
  const auto [outcome, change, shown] = decide_in(alive, {.kind = fetch, .new_expire_s = 5000});
  EXPECT_EQ(change.kind, ChangeKind::touch);
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->expire_s, 2000);
  EXPECT_EQ(shown->data, "10");
  EXPECT_FALSE(outcome.created);
}

TEST(MetaChanges, AnotherVersionIsToldBeforeANonNumber) {
  Present text = states[alive].present;
  text.record->data = "abc";
  NumberText number;
  const auto kind = [&](std::uint64_t compare) {
    return decide({.kind = incr, .compare = RecordVersion{compare}}, text, now_s, 100, number).outcome.kind;
  };
  EXPECT_EQ(kind(4), OutcomeKind::exists);
  EXPECT_EQ(kind(5), OutcomeKind::non_numeric);
}

}  // namespace
}  // namespace flare
