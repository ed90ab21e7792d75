#include "flared/replication/history.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

EpochTable table(std::initializer_list<std::pair<int, int>> rows) {
  EpochTable made;
  for (const auto& [epoch, last] : rows) {
    made.push_back({Epoch{static_cast<std::uint64_t>(epoch)}, Sequence{static_cast<std::uint64_t>(last)}});
  }
  return made;
}

Position position_of(const EpochTable& rows) { return {LogId{1}, rows.back().epoch, rows.back().last}; }

struct Case {
  EpochTable slave;
  EpochTable source;
  Divergence expected;
};

class DivergenceOf : public testing::TestWithParam<Case> {};

TEST_P(DivergenceOf, FindsTheLastCommonEntry) {
  const auto& [slave, source, expected] = GetParam();
  EXPECT_EQ(divergence(position_of(slave), slave, position_of(source), source), expected);
}

INSTANTIATE_TEST_SUITE_P(Replication_11, DivergenceOf,
                         testing::Values(
                             // The old master went on to 12, the new one took over at 10.
                             Case{table({{1, 12}}), table({{1, 10}, {2, 15}}), {Epoch{1}, Sequence{10}, 2}},
                             // Just behind: nothing is lost.
                             Case{table({{1, 8}}), table({{1, 10}, {2, 15}}), {Epoch{1}, Sequence{8}, 0}},
                             // Two short reigns that never met.
                             Case{table({{1, 10}, {2, 12}}), table({{1, 10}, {3, 11}}), {Epoch{1}, Sequence{10}, 2}},
                             // The slave missed the end of an epoch and led another.
                             Case{table({{1, 9}, {2, 14}}), table({{1, 10}, {3, 11}}), {Epoch{1}, Sequence{9}, 5}},
                             // An epoch without entries says nothing.
                             Case{table({{1, 10}, {2, 10}}), table({{1, 10}, {3, 11}}), {Epoch{1}, Sequence{10}, 0}},
                             // Nothing in common.
                             Case{table({{4, 3}}), table({{5, 2}}), {Epoch{0}, Sequence{0}, 3}}));

}  // namespace
}  // namespace flare
