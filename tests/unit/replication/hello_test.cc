#include "flared/replication/hello.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare {
namespace {

using Kind = StartDecision::Kind;

EpochTable table(std::initializer_list<std::pair<int, int>> rows) {
  EpochTable epochs;
  for (const auto& [epoch, last] : rows) {
    epochs.push_back({Epoch{static_cast<std::uint64_t>(epoch)}, Sequence{static_cast<std::uint64_t>(last)}});
  }
  return epochs;
}

Position at(std::uint64_t log_id, std::uint64_t epoch, std::uint64_t sequence) {
  return {LogId{log_id}, Epoch{epoch}, Sequence{sequence}};
}

TEST(HelloText, ReadsBackWhatItWrites) {
  const Hello hello{PartitionId{1}, 3, at(0xabc, 7, 120), table({{5, 100}, {7, 120}}), NodeKey{"192.168.12.153:12121"}};
  EXPECT_EQ(format_hello(hello), "repl hello 1 3 0000000000000abc 7 120 5:100,7:120 192.168.12.153:12121");
  EXPECT_EQ(*parse_hello(format_hello(hello)), hello);
}

TEST(HelloText, WritesADashForAnEmptyTableAndTheNewestSixteenRowsOfALongOne) {
  EXPECT_EQ(format_epochs({}), "-");
  EXPECT_EQ(parse_epochs("-"), EpochTable{});
  EpochTable many;
  for (std::uint64_t i = 1; i <= 40; ++i) many.push_back({Epoch{i}, Sequence{10 * i}});
  const auto kept = parse_epochs(format_epochs(many));
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->size(), hello_epochs_max);
  EXPECT_EQ(kept->front().epoch, Epoch{25});
  EXPECT_EQ(kept->back(), many.back());
}

TEST(BackupText, ReadsBackWhatItWritesAndRefusesOtherNames) {
  const BackupRequest request{2000, "flare-backup-12"};
  EXPECT_EQ(format_backup(request), "repl backup 2000 flare-backup-12");
  EXPECT_EQ(*parse_backup(format_backup(request)), request);
  for (const auto* line : {"repl backup", "repl backup 0", "repl backup -1 a", "repl backup 0 a b",
                           "repl backup 0 a\tb", "repl backup 99999999999 a", "repl hello 0 a"}) {
    EXPECT_FALSE(parse_backup(line)) << line;
  }
}

class BadHello : public testing::TestWithParam<const char*> {};

TEST_P(BadHello, IsRefused) { EXPECT_FALSE(parse_hello(GetParam())) << GetParam(); }

INSTANTIATE_TEST_SUITE_P(Lines, BadHello,
                         testing::Values("", "repl", "repl hello", "repl import 0 1 h:1", "hello 0 1 a 0 0 - h:1",
                                         "repl hello 1 1 a 0 0 - h:1", "repl hello -1 1 a 0 0 - h:1",
                                         "repl hello 0 0 a 0 0 - h:1", "repl hello 0 9999 a 0 0 - h:1",
                                         "repl hello 0 1 xyz 0 0 - h:1", "repl hello 0 1 a -1 0 - h:1",
                                         "repl hello 0 1 a 0 99999999999999999999 - h:1", "repl hello 0 1 a 0 0 5 h:1",
                                         "repl hello 0 1 a 0 0 5:1,5:2 h:1", "repl hello 0 1 a 0 0 5:9,6:2 h:1",
                                         "repl hello 0 1 a 0 0 5:9, h:1", "repl hello 0 1 a 0 0 - ",
                                         "repl hello 0 1 a 0 0 - name", "repl hello 0 1 a 0 0 - h:1 more",
                                         "repl hello 0 1 a 0 0 - h:1 keys more", "repl hello  0 1 a 0 0 - h:1"));

struct StartCase {
  const char* name;
  Position slave;
  EpochTable slave_epochs;
  Position source;
  EpochTable source_epochs;
  bool reaches_back = true;
  Kind expected = Kind::resume;
  Position common = {};  // of keys
  bool keys_due = false;
  Epoch reign{0};
};

void PrintTo(const StartCase& c, std::ostream* out) { *out << c.name; }

class DecideStart : public testing::TestWithParam<StartCase> {};

TEST_P(DecideStart, FollowsTheRule) {
  const auto& c = GetParam();
  const Hello hello{PartitionId{0}, 1, c.slave, c.slave_epochs, NodeKey{"h:1"}, c.keys_due};
  const auto decision = decide_start(hello, c.source, c.source_epochs, c.reaches_back, c.reign);
  EXPECT_EQ(decision.kind, c.expected) << decision.reason;
  if (c.expected == Kind::keys) {
    EXPECT_EQ(decision.common, c.common);
    EXPECT_EQ(sequence_needed(hello, c.source, c.source_epochs), c.common.sequence);
  }
  EXPECT_EQ(decision.reason.empty(), c.expected == Kind::resume);
}

INSTANTIATE_TEST_SUITE_P(
    Replication_3, DecideStart,
    testing::Values(StartCase{"Level", at(1, 5, 100), table({{5, 100}}), at(1, 5, 100), table({{5, 100}})},
                    StartCase{"Behind", at(1, 5, 90), table({{5, 90}}), at(1, 5, 100), table({{5, 100}})},
                    StartCase{"BehindByAnEpoch", at(1, 5, 100), table({{5, 100}}), at(1, 7, 120),
                              table({{5, 100}, {7, 120}})},
                    StartCase{"EmptyStoreOfThisHistory", at(1, 0, 0), {}, at(1, 5, 100), table({{5, 100}})},
                    StartCase{"EpochWithoutEntriesAtTheSource", at(1, 5, 100), table({{5, 100}}), at(1, 5, 100),
                              table({{5, 100}, {7, 100}})},
                    StartCase{"OldRowsLeftOutByTheSlave", at(1, 7, 120), table({{7, 120}}), at(1, 7, 130),
                              table({{3, 50}, {5, 100}, {7, 130}})},
                    StartCase{"OldRowsLeftOutByTheSource", at(1, 7, 120), table({{3, 50}, {5, 100}, {7, 120}}),
                              at(1, 7, 130), table({{5, 100}, {7, 130}})},
                    StartCase{"TablesNotKeptUpWithThePosition", at(1, 5, 90), {}, at(1, 5, 100), {}},
                    StartCase{"AnotherLogId", at(2, 5, 100), table({{5, 100}}), at(1, 5, 100), table({{5, 100}}), true,
                              Kind::snapshot},
                    StartCase{"AnotherLogIdOfALaterEpoch", at(2, 9, 100), table({{9, 100}}), at(1, 5, 100),
                              table({{5, 100}}), true, Kind::snapshot},
                    StartCase{"AheadInTheSameEpoch", at(1, 5, 101), table({{5, 101}}), at(1, 5, 100), table({{5, 100}}),
                              true, Kind::keys, at(1, 5, 100)},
                    StartCase{"SurplusOfAnEndedEpoch", at(1, 5, 110), table({{5, 110}}), at(1, 7, 120),
                              table({{5, 100}, {7, 120}}), true, Kind::keys, at(1, 5, 100)},
                    StartCase{"SameNumberOfAnotherEpoch", at(1, 6, 110), table({{5, 100}, {6, 110}}), at(1, 7, 120),
                              table({{5, 100}, {7, 120}}), true, Kind::keys, at(1, 5, 100)},
                    StartCase{"AnEpochAloneBehindAnUnfinishedOne", at(1, 6, 110), table({{5, 90}, {6, 110}}),
                              at(1, 7, 120), table({{5, 100}, {7, 120}}), true, Kind::keys, at(1, 5, 90)},
                    StartCase{"SurplusBeforeTheFirstEntryOfAReign", at(1, 6, 110), table({{5, 100}, {6, 110}}),
                              at(1, 5, 100), table({{5, 100}}), true, Kind::keys, at(1, 5, 100), false, Epoch{8}},
                    StartCase{"SurplusWhereTheLogDoesNotReachBack", at(1, 5, 110), table({{5, 110}}), at(1, 7, 120),
                              table({{5, 100}, {7, 120}}), false, Kind::snapshot},
                    StartCase{"NothingInCommon", at(1, 6, 10), table({{6, 10}}), at(1, 7, 120), table({{7, 120}}), true,
                              Kind::snapshot},
                    StartCase{"KeysThatAreNotExact", at(1, 5, 90), table({{5, 90}}), at(1, 5, 100), table({{5, 100}}),
                              true, Kind::keys, at(1, 5, 90), true},
                    StartCase{"KeysThatAreNotExactOfAnotherHistory",
                              at(2, 5, 90),
                              table({{5, 90}}),
                              at(1, 5, 100),
                              table({{5, 100}}),
                              true,
                              Kind::snapshot,
                              {},
                              true},
                    StartCase{"EndedEpochsDiffer", at(1, 7, 120), table({{5, 90}, {7, 120}}), at(1, 7, 120),
                              table({{5, 100}, {7, 120}}), true, Kind::snapshot},
                    StartCase{"AnEpochThatTheSlaveDoesNotKnow", at(1, 7, 120), table({{5, 90}, {7, 120}}),
                              at(1, 7, 120), table({{5, 90}, {6, 100}, {7, 120}}), true, Kind::snapshot},
                    StartCase{"LogTooShort", at(1, 5, 90), table({{5, 90}}), at(1, 5, 100), table({{5, 100}}), false,
                              Kind::snapshot},
                    StartCase{"SlaveOfALaterEpoch", at(1, 9, 120), table({{5, 100}, {9, 120}}), at(1, 5, 100),
                              table({{5, 100}}), true, Kind::refused}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace flare
