#include "flared/replication/build_progress.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

using std::chrono::seconds;
const BuildProgress::TimePoint began{seconds{1000}};

struct EtaCase {
  std::uint64_t records;
  std::uint64_t expected;
  seconds passed;
  std::optional<std::int64_t> eta_s;
};

class BuildEta : public testing::TestWithParam<EtaCase> {};

TEST_P(BuildEta, GoesOnAsFastAsUpToNow) {
  const auto& [records, expected, passed, left_s] = GetParam();
  EXPECT_EQ(eta_s({records, expected, began}, began + passed), left_s);
}
INSTANTIATE_TEST_SUITE_P(All, BuildEta,
                         testing::Values(EtaCase{0, 100, seconds{5}, std::nullopt},
                                         EtaCase{10, 0, seconds{5}, std::nullopt},
                                         EtaCase{10, 100, seconds{0}, std::nullopt}, EtaCase{25, 100, seconds{10}, 31},
                                         EtaCase{100, 100, seconds{10}, 0}, EtaCase{110, 100, seconds{10}, 0}));

}  // namespace
}  // namespace flare
