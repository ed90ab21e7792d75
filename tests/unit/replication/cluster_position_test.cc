#include "flared/replication/cluster_position.h"

#include <gtest/gtest.h>

#include <fstream>

#include "flared/replication/cluster_lane.h"
#include "support/temp_dir.h"

namespace flare {
namespace {

Position at(std::uint64_t log_id, std::uint64_t epoch, std::uint64_t sequence) {
  return {LogId{log_id}, Epoch{epoch}, Sequence{sequence}};
}

TEST(ClusterPosition, IsReadAsItWasWritten) {
  const ClusterPosition position{"b.example:12121", at(0xfedcba9876543210, 7, 123456789)};
  EXPECT_EQ(parse_cluster_position(to_line(position)), position);
}

TEST(ClusterPosition, OfAnotherFormIsNone) {
  for (const std::string_view line :
       {"", "\n", "FLARE-CLUSTER-REPLICATION 1 h:1 00ff 1 2", "FLARE-CLUSTER-REPLICATION 2 h:1 00ff 1 2\n",
        "FLARE-CLUSTER-REPLICATION 1 h:1 xx 1 2\n", "FLARE-CLUSTER-REPLICATION 1 h:1 00ff 1\n",
        "FLARE-CLUSTER-REPLICATION 1 h:1 00ff 1 2 3\n", "FLARE-CLUSTER-REPLICATION 1 h:1 00ff -1 2\n"}) {
    EXPECT_FALSE(parse_cluster_position(line)) << line;
  }
}

TEST(ClusterPosition, FileIsReplacedWhole) {
  test::TempDir folder;
  const ClusterPositionFile file{folder.path()};
  EXPECT_FALSE(file.read());
  const ClusterPosition first{"h:1", at(1, 2, 3)};
  const ClusterPosition second{"h:1", at(1, 2, 4)};
  ASSERT_TRUE(file.write(first));
  ASSERT_TRUE(file.write(second));
  EXPECT_EQ(file.read(), second);
}

TEST(ClusterPosition, FailureNamesTheFile) {
  const auto written = ClusterPositionFile{"/nonexistent"}.write({"h:1", at(1, 2, 3)});
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().find("/nonexistent/cluster-replication"), std::string::npos) << written.error();
}

struct HistoryCase {
  const char* what;
  Position kept;
  bool known;
};

class ClusterHistory : public testing::TestWithParam<HistoryCase> {};

TEST_P(ClusterHistory, GoesOnOnlyBehindASequenceOfTheSameEpoch) {
  const EpochTable epochs{{Epoch{1}, Sequence{10}}, {Epoch{4}, Sequence{20}}};
  EXPECT_EQ(is_in_history(GetParam().kept, at(9, 4, 20), epochs), GetParam().known) << GetParam().what;
}
INSTANTIATE_TEST_SUITE_P(All, ClusterHistory,
                         testing::Values(HistoryCase{"the last", at(9, 4, 20), true},
                                         HistoryCase{"the end of an epoch", at(9, 1, 10), true},
                                         HistoryCase{"within the last epoch", at(9, 4, 11), true},
                                         HistoryCase{"another history", at(8, 4, 20), false},
                                         HistoryCase{"rolled back: beyond the end", at(9, 4, 21), false},
                                         HistoryCase{"rolled back: written anew in another epoch", at(9, 1, 11), false},
                                         HistoryCase{"the last sequence of another epoch", at(9, 3, 20), false}));

TEST(ClusterAnswer, ThatIsNoResultIsJudgedByWhatItMeans) {
  using enum ClusterAnswer;
  const std::vector<std::pair<std::string_view, ClusterAnswer>> table{
      {"STORED", taken},
      {"NOT_STORED", taken},
      {"NOT_FOUND", taken},
      {"SERVER_ERROR object too large for cache", too_large},
      {"SERVER_ERROR proxy failure", not_now},
      {"SERVER_ERROR no partition available", not_now},
      {"SERVER_ERROR out of disk space", not_now},
      {"CLIENT_ERROR access denied (class cluster needed)", not_now},
      {"CLIENT_ERROR bad command line format", mistaken},
      {"ERROR", not_now}};
  for (const auto& [line, meaning] : table) EXPECT_EQ(judge_cluster_answer(line), meaning) << line;
}

}  // namespace
}  // namespace flare
