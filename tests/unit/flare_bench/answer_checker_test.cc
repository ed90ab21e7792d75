#include "flare_bench/answer_checker.h"

#include <gtest/gtest.h>

#include <functional>

namespace flare::bench {
namespace {

constexpr KeyShare share{.first = 0, .stride = 1, .count = 10};
constexpr KeyIndex first{1};
constexpr KeyIndex second{2};
constexpr std::size_t value_bytes = 40;

/// Two keys that hold their second value, and the get of both that is on the way.
struct World {
  KeyNames names{"k", 11};
  ValueBook values{value_bytes};
  KeyLedger ledger{share.count, Generation{100}};
  AnswerChecker checker{names, values, share, ledger};
  std::vector<AskedKey> keys{};
  std::vector<std::string> kept{};  // what the views of an answer point to
  Tally tally{};

  World() {
    kept.reserve(100);
    for (const auto key : {first, second}) {
      for (int number = 0; number < 2; ++number) {
        ledger.begin_set(key);
        ledger.end_set(key, true);
      }
      keys.push_back({.key = key, .generation = ledger.floor(key)});
    }
  }

  std::string_view keep(std::string text) { return kept.emplace_back(std::move(text)); }
  std::string_view name(KeyIndex key) {
    std::string text;
    names.append(share.number_of(key), text);
    return keep(text);
  }
  /// The value of a key, so many generations away from the newest.
  std::string_view value(KeyIndex key, int away = 0) {
    std::string text;
    const auto newest = static_cast<std::uint32_t>(ledger.floor(key));
    values.append(share.number_of(key), Generation{newest + static_cast<std::uint32_t>(away)}, text);
    return keep(text);
  }
  FoundValue found(KeyIndex key, int away = 0) { return {.name = name(key), .place = {}, .value = value(key, away)}; }
  void check(const Answer& answer) {
    checker.check({.sets = false, .first_key = 0, .key_count = 2, .from = {}}, keys, answer, tally);
  }
};

struct Case {
  const char* name;
  std::function<std::vector<FoundValue>(World&)> values;
  const char* error;
  std::uint64_t wrong, stale, missing, errors;
};

class GetOfTwo : public testing::TestWithParam<Case> {};

TEST_P(GetOfTwo, IsCountedByWhatIsWrongWithIt) {
  World world;
  Answer answer{.error = GetParam().error, .values = GetParam().values(world)};
  world.check(answer);
  EXPECT_EQ(world.tally.wrong, GetParam().wrong) << world.tally.first_fault;
  EXPECT_EQ(world.tally.stale, GetParam().stale) << world.tally.first_fault;
  EXPECT_EQ(world.tally.missing, GetParam().missing) << world.tally.first_fault;
  EXPECT_EQ(world.tally.errors, GetParam().errors) << world.tally.first_fault;
  EXPECT_EQ(world.tally.first_fault.empty(), world.tally.faults() == 0);
  EXPECT_EQ(world.tally.gets, 1U);
  EXPECT_EQ(world.tally.keys_read, 2U);
}

using Values = std::vector<FoundValue>;

INSTANTIATE_TEST_SUITE_P(
    Answers, GetOfTwo,
    testing::Values(
        Case{"Right",
             [](World& w) {
               return Values{w.found(first), w.found(second)};
             },
             "", 0, 0, 0, 0},
        Case{"OtherOrder",
             [](World& w) {
               return Values{w.found(second), w.found(first)};
             },
             "", 0, 0, 0, 0},
        Case{"ByPlace",
             [](World& w) {
               return Values{{.place = 1, .value = w.value(second)}, {.place = 0, .value = w.value(first)}};
             },
             "", 0, 0, 0, 0},
        Case{"ByPlaceOfTheOther",
             [](World& w) {
               return Values{{.place = 0, .value = w.value(second)}, {.place = 1, .value = w.value(first)}};
             },
             "", 2, 0, 0, 0},
        Case{"PlaceAndNameDisagree",
             [](World& w) {
               return Values{{.name = w.name(second), .place = 0, .value = w.value(second)}, w.found(first)};
             },
             "", 1, 0, 1, 0},
        Case{"OneMissing", [](World& w) { return Values{w.found(second)}; }, "", 0, 0, 1, 0},
        Case{"BothMissing", [](World&) { return Values{}; }, "", 0, 0, 2, 0},
        Case{"OneOld",
             [](World& w) {
               return Values{w.found(first, -1), w.found(second)};
             },
             "", 0, 1, 0, 0},
        Case{"OneNobodyWrote",
             [](World& w) {
               return Values{w.found(first), w.found(second, 1)};
             },
             "", 1, 0, 0, 0},
        Case{"ValueOfTheOther",
             [](World& w) {
               return Values{w.found(first), {.name = w.name(second), .value = w.value(first)}};
             },
             "", 1, 0, 0, 0},
        Case{"Twice",
             [](World& w) {
               return Values{w.found(first), w.found(first), w.found(second)};
             },
             "", 1, 0, 0, 0},
        Case{"OfAThird",
             [](World& w) {
               return Values{w.found(first), w.found(second), w.found(KeyIndex{3})};
             },
             "", 1, 0, 0, 0},
        Case{"CutShort",
             [](World& w) {
               return Values{w.found(first), {.name = w.name(second), .value = w.value(second).substr(1)}};
             },
             "", 1, 0, 0, 0},
        Case{"Error", [](World&) { return Values{}; }, "SERVER_ERROR x", 0, 0, 0, 1},
        Case{"OneAndAnError", [](World& w) { return Values{w.found(first)}; }, "SERVER_ERROR x", 0, 0, 0, 1}),
    [](const auto& row) { return row.param.name; });

TEST(AnswerChecker, BooksASetWhenItIsAcknowledgedAndBlamesARefusal) {
  World world;
  const auto before = world.ledger.floor(first);
  const Asked asked{.sets = true, .first_key = 0, .key_count = 1, .from = {}};
  const std::vector key{AskedKey{.key = first, .generation = world.ledger.begin_set(first)}};
  world.checker.check(asked, key, {.error = "SERVER_ERROR full"}, world.tally);
  EXPECT_EQ(world.tally.errors, 1U);
  EXPECT_EQ(world.tally.first_fault, "SERVER_ERROR full");
  EXPECT_EQ(world.ledger.floor(first), before);

  world.ledger.begin_set(first);
  world.checker.check(asked, key, {.stored = true}, world.tally);
  EXPECT_EQ(world.tally.errors, 1U);
  EXPECT_GT(world.ledger.floor(first), before);
  EXPECT_EQ(world.tally.sets, 2U);
}

TEST(AnswerChecker, LetsAKeyBeSetAgainWhenNoAnswerCame) {
  World world;
  world.ledger.begin_set(first);
  world.checker.give_up({.sets = true, .first_key = 0, .key_count = 1, .from = {}}, world.keys);
  EXPECT_FALSE(world.ledger.being_set(first));
}

}  // namespace
}  // namespace flare::bench
