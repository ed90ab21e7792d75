// The checker of the chaos test: what it must accept, and what it must find.
#include "support/linearizability.h"

#include <gtest/gtest.h>

#include <ostream>

namespace flare::test {
namespace {

using Kind = Verdict::Kind;

struct Case {
  std::string what;
  std::vector<Operation> operations;
  Kind kind;
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << row.what; }

Operation ask(Action action, Moment start, Moment end, Told told, std::string answer = {}) {
  return {.action = action, .told = told, .answer = std::move(answer), .start = start, .end = end};
}

Operation get(Moment start, Moment end, const std::string& value) {
  return ask(Action::get, start, end, value.empty() ? Told::absent : Told::value, value);
}

Operation write(Action action, Moment start, Moment end, const std::string& value, Told told = Told::done) {
  auto made = ask(action, start, end, told);
  made.value = value;
  return made;
}

Operation set(Moment start, Moment end, const std::string& value, Told told = Told::done) {
  return write(Action::set, start, end, value, told);
}

Operation add(Moment start, Moment end, const std::string& value, Told told = Told::done) {
  return write(Action::add, start, end, value, told);
}

Operation cas(Moment start, Moment end, const std::string& expected, const std::string& value, Told told = Told::done) {
  auto made = write(Action::cas, start, end, value, told);
  made.expected = expected;
  return made;
}

Operation incr(Moment start, Moment end, std::uint64_t by, const std::string& number) {
  auto made = ask(Action::incr, start, end, number.empty() ? Told::unknown : Told::number, number);
  made.by = by;
  return made;
}

Operation remove(Moment start, Moment end, Told told = Told::done) { return ask(Action::remove, start, end, told); }

Operation since(Moment earliest, Operation read) {
  read.may_show_since = earliest;
  return read;
}

std::vector<Case> linearizable() {
  return {
      {"nothing", {}, Kind::linearizable},
      {"one after the other",
       {set(1, 2, "a"), get(3, 4, "a"), remove(5, 6), get(7, 8, ""), add(9, 10, "b"), cas(11, 12, "b", "c"),
        get(13, 14, "c")},
       Kind::linearizable},
      {"a get beside a set shows either", {set(1, 10, "a"), get(2, 3, ""), get(4, 5, "a")}, Kind::linearizable},
      {"sets beside each other, in the order that gets show",
       {set(1, 10, "a"), set(1, 10, "b"), get(11, 12, "a")},
       Kind::linearizable},
      {"sets beside each other, in the other order",
       {set(1, 10, "a"), set(1, 10, "b"), get(11, 12, "b")},
       Kind::linearizable},
      {"an unknown set is never done",
       {set(1, 2, "a"), set(3, 4, "b", Told::unknown), get(5, 6, "a")},
       Kind::linearizable},
      {"an unknown set is done late",
       {set(1, 2, "a"), set(3, 4, "b", Told::unknown), get(5, 6, "a"), get(7, 8, "b")},
       Kind::linearizable},
      {"an unknown set explains a refused add",
       {set(1, 2, "a", Told::unknown), add(3, 4, "b", Told::refused)},
       Kind::linearizable},
      {"an unknown delete explains an add",
       {set(1, 2, "a"), remove(3, 4, Told::unknown), add(5, 6, "b")},
       Kind::linearizable},
      {"an unknown incr is done once", {set(1, 2, "0"), incr(3, 4, 5, ""), incr(6, 7, 1, "6")}, Kind::linearizable},
      {"what is not done has no effect",
       {set(1, 2, "a"), set(3, 4, "b", Told::not_done), get(5, 6, "a")},
       Kind::linearizable},
      {"incrs beside each other", {set(1, 2, "0"), incr(3, 9, 1, "3"), incr(3, 9, 2, "2")}, Kind::linearizable},
      {"of two cas one is refused",
       {set(1, 2, "a"), cas(3, 9, "a", "b", Told::refused), cas(3, 9, "a", "c"), get(10, 11, "c")},
       Kind::linearizable},
      {"a get that may show the past shows it",
       {set(1, 2, "a"), set(5, 6, "b"), since(4, get(7, 8, "a"))},
       Kind::linearizable},
      {"answers without a value",
       {set(1, 2, "a"), ask(Action::get, 3, 4, Told::unknown), get(5, 6, "a")},
       Kind::linearizable},
  };
}

std::vector<Case> broken() {
  return {
      {"a stale read", {set(1, 2, "a"), set(3, 4, "b"), get(5, 6, "a")}, Kind::broken},
      {"a lost write", {set(1, 2, "a"), get(3, 4, "")}, Kind::broken},
      {"a lost update", {set(1, 2, "0"), incr(3, 9, 1, "1"), incr(3, 9, 1, "1")}, Kind::broken},
      {"a lost cas", {set(1, 2, "a"), cas(3, 9, "a", "b"), cas(3, 9, "a", "c")}, Kind::broken},
      {"a value never written", {set(1, 2, "a"), get(3, 4, "x")}, Kind::broken},
      {"a value from the future", {get(1, 2, "a"), set(3, 4, "a")}, Kind::broken},
      {"the answer of another incr", {set(1, 2, "0"), incr(3, 4, 1, "1"), incr(5, 6, 2, "2")}, Kind::broken},
      {"an incr done twice", {set(1, 2, "0"), incr(3, 4, 5, ""), incr(5, 6, 1, "11")}, Kind::broken},
      {"a deleted one comes back", {set(1, 2, "a"), remove(3, 4), get(5, 6, ""), get(7, 8, "a")}, Kind::broken},
      {"what was not done shows", {set(1, 2, "a"), set(3, 4, "b", Told::not_done), get(5, 6, "b")}, Kind::broken},
      {"an unknown set shows before it was sent", {get(1, 2, "a"), set(3, 4, "a", Told::unknown)}, Kind::broken},
      {"an unknown set goes and comes back",
       {set(1, 2, "a"), set(3, 4, "b", Told::unknown), get(5, 6, "b"), set(7, 8, "c"), get(9, 10, "b")},
       Kind::broken},
      {"a read goes back beside a write",
       {set(1, 2, "a"), set(3, 20, "b"), get(5, 6, "b"), get(7, 8, "a")},
       Kind::broken},
      {"two adds of one key", {add(1, 2, "a"), add(3, 4, "b")}, Kind::broken},
      {"a refused add of an absent key", {add(1, 2, "a", Told::refused)}, Kind::broken},
      {"two deletes of one value", {set(1, 2, "a"), remove(3, 9), remove(3, 9)}, Kind::broken},
      {"a refused cas of what is there", {set(1, 2, "a"), cas(3, 4, "a", "b", Told::refused)}, Kind::broken},
      {"the past of before it may", {set(1, 2, "a"), set(3, 4, "b"), since(5, get(7, 8, "a"))}, Kind::broken},
      {"a rolled-back value, of a get that may show the past",
       {set(1, 2, "a"), set(3, 4, "b", Told::not_done), since(0, get(7, 8, "b"))},
       Kind::broken},
  };
}

class Linearizability : public testing::TestWithParam<Case> {};

TEST_P(Linearizability, IsFound) {
  const auto verdict = check_linearizable(GetParam().operations);
  EXPECT_EQ(verdict.kind, GetParam().kind) << verdict.reason;
  EXPECT_EQ(verdict.reason.empty(), GetParam().kind == Kind::linearizable);
}

INSTANTIATE_TEST_SUITE_P(Linearizable, Linearizability, testing::ValuesIn(linearizable()));
INSTANTIATE_TEST_SUITE_P(Broken, Linearizability, testing::ValuesIn(broken()));

// A long history with much at once and much unknown stays cheap, and one wrong answer in it is found.
std::vector<Operation> long_history() {
  std::vector<Operation> operations;
  for (Moment turn = 0; turn < 20; ++turn) {
    const auto value = std::to_string(turn);
    operations.push_back(set(turn * 10, turn * 10 + 30, "a" + value));
    operations.push_back(set(turn * 10, turn * 10 + 30, "b" + value));
    if (turn % 5 == 0) operations.push_back(set(turn * 10, turn * 10 + 30, "c" + value, Told::unknown));
    operations.push_back(get(turn * 10 + 35, turn * 10 + 36, "b" + value));
  }
  return operations;
}

TEST(LinearizabilitySearch, DecidesLongHistories) {
  auto operations = long_history();
  EXPECT_EQ(check_linearizable(operations).kind, Kind::linearizable) << check_linearizable(operations).reason;
  operations.push_back(get(300, 301, "a10"));
  EXPECT_EQ(check_linearizable(operations).kind, Kind::broken);
}

TEST(LinearizabilitySearch, SaysSoWhenItGivesUp) {
  auto operations = long_history();
  operations.push_back(get(300, 301, "a10"));
  EXPECT_EQ(check_linearizable(operations, 10).kind, Kind::undecided);
}

TEST(LinearizabilitySearch, TellsWhereTheOrderEnds) {
  const auto verdict = check_linearizable({set(1, 2, "a"), set(3, 4, "b"), get(5, 6, "a")});
  EXPECT_EQ(verdict.reason,
            "the longest order ends after 2 of 3 with b; none of these fits then:\n    client 0 get: a");
}

std::uint64_t number_of(const std::string& value) { return std::stoull(value); }

TEST(StepBack, IsFoundOnlyBetweenReadsInSuccession) {
  EXPECT_EQ(find_step_back({get(1, 2, "1"), get(3, 4, ""), get(5, 6, "1"), get(7, 8, "2")}, number_of), "");
  EXPECT_EQ(find_step_back({get(1, 5, "2"), get(3, 6, "1")}, number_of), "") << "beside each other";
  EXPECT_NE(find_step_back({get(1, 2, "2"), get(3, 4, "1")}, number_of), "");
}

TEST(History, GathersAKeysOperationsOfAllClientsInOrder) {
  auto one = set(5, 6, "b");
  auto other = set(1, 9, "a");
  one.key = other.key = "k";
  other.client = 1;
  const auto history = by_key({{one}, {other}});
  ASSERT_EQ(history.size(), 1U);
  EXPECT_EQ(to_text(history.at("k"), 0),
            "       0.000 to      0.000  at   client 1 set a: done\n"
            "       0.000 to      0.000  at   client 0 set b: done\n");
}

}  // namespace
}  // namespace flare::test
