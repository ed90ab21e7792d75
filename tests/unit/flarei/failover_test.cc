// docs/replication.md 10: who follows a master.
#include "flarei/failover.h"

#include <gmock/gmock.h>

#include <set>

#include "unit/flarei/maps.h"

namespace flare::test {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr PartitionId p0{0};
const Election::Time t0{};

struct Peers {
  std::set<int> originals;
  std::set<int> silent;
  HealthOf health() const {
    return [peers = *this](const NodeKey& each) {
      const auto has = [&](const std::set<int>& ports) {
        return std::any_of(ports.begin(), ports.end(), [&](int port) { return key(port) == each; });
      };
      return NodeHealth{has(peers.originals), has(peers.silent)};
    };
  }
};

/// Master 1, slaves 2 to 4 with balances 1, 3, 3; 5 prepares. `in_sync`: ports.
NodeMap cluster(const std::set<int>& in_sync) {
  auto map = map_of({{1, master, active, 0, 1},
                     {2, slave, active, 0, 1},
                     {3, slave, active, 0, 3},
                     {4, slave, active, 0, 3},
                     {5, slave, prepare, 0, 9},
                     {6, master, active, 1, 1},
                     {7, slave, active, 1, 9}});
  PartitionReign reign{Epoch{5}, {}};
  for (const int port : in_sync) reign.in_sync.insert(key(port));
  map.reigns[p0] = reign;
  return map;
}

std::vector<NodeKey> keys_of(const std::vector<Candidate>& found) {
  std::vector<NodeKey> keys;
  for (const auto& each : found) keys.push_back(each.key);
  return keys;
}

TEST(Candidates, AreTheActiveSlavesInSync) {
  EXPECT_THAT(keys_of(candidates(cluster({1, 2, 3, 4, 5}), key(1), Peers{}.health())),
              ElementsAre(key(3), key(4), key(2)));
  EXPECT_THAT(keys_of(candidates(cluster({1, 2, 5}), key(1), Peers{}.health())), ElementsAre(key(2)));
  EXPECT_THAT(candidates(cluster({1}), key(1), Peers{}.health()), IsEmpty());
  EXPECT_THAT(candidates(cluster({1, 2}), key(2), Peers{}.health()), IsEmpty()) << "a slave has no successor";
  EXPECT_THAT(candidates(cluster({1, 2}), key(9), Peers{}.health()), IsEmpty()) << "there is no such node";
}

TEST(Candidates, RankTheSilentLastAndOriginalsBehindOurs) {
  const auto map = cluster({1, 2, 3, 4});
  EXPECT_THAT(keys_of(candidates(map, key(1), Peers{{3}, {}}.health())), ElementsAre(key(4), key(2), key(3)));
  EXPECT_THAT(keys_of(candidates(map, key(1), Peers{{3}, {4, 2}}.health())), ElementsAre(key(3), key(4), key(2)));
}

TEST(Election, OfOneCandidateAsksNobody) {
  const Election election{cluster({1, 2}), key(1), Peers{}.health(), t0};
  EXPECT_THAT(election.to_ask(), IsEmpty());
  EXPECT_TRUE(election.is_decided(t0));
  EXPECT_EQ(election.choice(), key(2));
}

TEST(Election, WithoutACandidateLeavesThePartitionToItsMaster) {
  const Election election{cluster({1}), key(1), Peers{}.health(), t0};
  EXPECT_TRUE(election.is_decided(t0));
  EXPECT_EQ(election.choice(), std::nullopt);
}

TEST(Election, AsksAllThatMayAnswerWithTheNextMapsVersion) {
  const auto map = cluster({1, 2, 3, 4});
  EXPECT_EQ((Election{map, key(1), Peers{}.health(), t0}.epoch()), Epoch{11});
  EXPECT_EQ((Election{map, key(1), Peers{}.health(), t0}.partition()), p0);
  EXPECT_THAT((Election{map, key(1), Peers{}.health(), t0}.to_ask()), ElementsAre(key(3), key(4), key(2)));
  EXPECT_THAT((Election{map, key(1), Peers{{3}, {}}.health(), t0}.to_ask()), ElementsAre(key(4), key(2)));
  EXPECT_THAT((Election{map, key(1), Peers{{}, {3}}.health(), t0}.to_ask()), ElementsAre(key(4), key(2)));
  EXPECT_THAT((Election{map, key(1), Peers{{}, {2, 3, 4}}.health(), t0}.to_ask()), ElementsAre(key(3), key(4), key(2)))
      << "if all are silent, any may come back to answer";
}

struct Answers {
  const char* name;
  std::map<int, LogPosition> positions;
  std::set<int> refused;
  std::set<int> failed;
  std::set<int> originals;
  std::optional<int> choice;
};

void PrintTo(const Answers& row, std::ostream* out) { *out << row.name; }

class ElectionChoice : public testing::TestWithParam<Answers> {};

TEST_P(ElectionChoice, IsTheMostCompleteThatIsAlive) {
  const auto& row = GetParam();
  Election election{cluster({1, 2, 3, 4}), key(1), Peers{row.originals, {}}.health(), t0};
  for (const auto& [port, position] : row.positions) election.answered(key(port), position, t0);
  for (const int port : row.refused) election.refused(key(port));
  for (const int port : row.failed) election.failed(key(port));
  EXPECT_TRUE(election.is_decided(t0)) << "all have spoken";
  EXPECT_EQ(election.choice(), row.choice ? std::optional{key(*row.choice)} : std::nullopt);
}

LogPosition at(std::uint64_t epoch, std::uint64_t sequence) { return {Epoch{epoch}, Sequence{sequence}}; }

INSTANTIATE_TEST_SUITE_P(
    Replication_10, ElectionChoice,
    testing::Values(Answers{"HighestSequence", {{2, at(5, 9)}, {3, at(5, 8)}, {4, at(5, 7)}}, {}, {}, {}, 2},
                    Answers{"EpochBeforeSequence", {{2, at(6, 1)}, {3, at(5, 8)}, {4, at(5, 9)}}, {}, {}, {}, 2},
                    Answers{"EqualByBalanceThenKey", {{2, at(5, 9)}, {3, at(5, 9)}, {4, at(5, 9)}}, {}, {}, {}, 3},
                    Answers{"WhoHangsIsNotChosen", {{2, at(5, 1)}}, {}, {3, 4}, {}, 2},
                    Answers{"WhoRefusesIsNotChosen", {}, {3, 4}, {2}, {}, 2},
                    Answers{"AllRefuse", {}, {2, 3, 4}, {}, {}, std::nullopt},
                    Answers{"NobodyAnswersByBalance", {}, {}, {2, 3, 4}, {}, 3},
                    Answers{"OriginalsRankLast", {{2, at(5, 1)}, {4, at(5, 1)}}, {}, {}, {3}, 4},
                    Answers{"AnOriginalBeforeThoseThatHang", {}, {}, {2, 4}, {3}, 3},
                    Answers{"OnlyOriginals", {}, {}, {}, {2, 3, 4}, 3}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(Election, WaitsAMomentAfterTheFirstAnswer) {
  Election election{cluster({1, 2, 3, 4}), key(1), Peers{}.health(), t0};
  EXPECT_EQ(election.decides_at(), t0 + milliseconds{1000});
  election.answered(key(2), at(5, 1), t0 + milliseconds{100});
  EXPECT_EQ(election.decides_at(), t0 + milliseconds{400});
  EXPECT_FALSE(election.is_decided(t0 + milliseconds{399}));
  EXPECT_TRUE(election.is_decided(t0 + milliseconds{400}));
  EXPECT_EQ(election.choice(), key(2));
}

TEST(Election, NeverWaitsLongerThanTheDeadline) {
  Election election{cluster({1, 2, 3, 4}), key(1), Peers{}.health(), t0};
  EXPECT_FALSE(election.is_decided(t0 + milliseconds{999}));
  election.answered(key(2), at(5, 1), t0 + milliseconds{900});
  EXPECT_EQ(election.decides_at(), t0 + milliseconds{1000});
}

TEST(Election, TakesNoAnswerOfWhomItDidNotAsk) {
  Election election{cluster({1, 2, 3}), key(1), Peers{{3}, {}}.health(), t0};
  election.answered(key(3), at(9, 9), t0);
  election.answered(key(7), at(9, 9), t0);
  EXPECT_FALSE(election.is_decided(t0));
  election.answered(key(2), at(5, 1), t0);
  EXPECT_EQ(election.choice(), key(2));
}

struct Plan {
  const char* name;
  int asked_to_go;
  std::set<int> in_sync;
  std::set<int> originals;
  Handover::Kind kind;
};

void PrintTo(const Plan& row, std::ostream* out) { *out << row.name; }

class HandoverPlan : public testing::TestWithParam<Plan> {};

TEST_P(HandoverPlan, FollowsWhatIsKnown) {
  const auto& row = GetParam();
  EXPECT_EQ(plan_handover(cluster(row.in_sync), key(row.asked_to_go), Peers{row.originals, {}}.health()).kind,
            row.kind);
}

using enum Handover::Kind;
INSTANTIATE_TEST_SUITE_P(Replication_10, HandoverPlan,
                         testing::Values(Plan{"InSyncSlavesAreAsked", 1, {1, 2, 3}, {}, ask},
                                         Plan{"NoneInSync", 1, {1}, {}, refuse},
                                         Plan{"OnlyAPreparingOneInSync", 1, {1, 5}, {}, refuse},
                                         Plan{"MasterIsAnOriginal", 1, {1, 2}, {1}, elect},
                                         Plan{"OnlyOriginalsInSync", 1, {1, 2}, {2}, elect},
                                         Plan{"OneOfOursBesideAnOriginal", 1, {1, 2, 3}, {2}, ask},
                                         Plan{"ASlaveGoesAtOnce", 2, {1, 2}, {}, at_once},
                                         Plan{"UnknownNode", 9, {1, 2}, {}, at_once}),
                         [](const auto& row) { return std::string{row.param.name}; });

TEST(HandoverPlanOfAMasterWithoutActiveSlave, IsAtOnce) {
  const auto map = map_of({{1, master, active, 0, 1}, {2, slave, prepare, 0, 0}});
  EXPECT_EQ(plan_handover(map, key(1), Peers{}.health()).kind, Handover::Kind::at_once);
}

TEST(Handover, NeedsASlaveThatHasAll) {
  const auto plan = plan_handover(cluster({1, 2, 3, 4}), key(1), Peers{}.health());
  EXPECT_THAT(plan.slaves, ElementsAre(key(3), key(4), key(2)));
  EXPECT_EQ(has_all(plan, at(5, 9), {{key(3), at(5, 8)}, {key(2), at(5, 9)}}), key(2));
  EXPECT_EQ(has_all(plan, at(5, 9), {{key(4), at(5, 9)}, {key(2), at(5, 9)}}), key(4));
  EXPECT_EQ(has_all(plan, at(5, 9), {{key(3), at(5, 8)}}), std::nullopt);
  EXPECT_EQ(has_all(plan, at(5, 9), {{key(3), at(4, 99)}}), std::nullopt);
  EXPECT_EQ(has_all(plan, at(5, 9), {}), std::nullopt);
}

}  // namespace
}  // namespace flare::test
