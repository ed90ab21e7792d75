#include "flarei/role_change.h"

#include <gmock/gmock.h>

#include <optional>
#include <ostream>

#include "unit/flarei/maps.h"

namespace flare::test {
namespace {

/// A row of docs/spec/cluster.md 1.4. Node 1 is asked to change; `others` share its map.
struct Row {
  const char* name;
  Entry now;
  std::vector<Entry> others;
  Role asked;
  int balance;
  int partition;
  std::optional<Refusal> refusal;
  Entry then{};                      // node 1 afterwards
  std::vector<Entry> others_then{};  // empty: unchanged
  bool force = false;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class NodeRole : public testing::TestWithParam<Row> {};

TEST_P(NodeRole, FollowsTheTable) {
  const auto& row = GetParam();
  auto entries = row.others;
  entries.insert(entries.begin(), row.now);
  const auto map = map_of(entries);
  ASSERT_THAT(violations(map), testing::IsEmpty());
  const RoleRequest request{key(1), row.asked, row.balance, PartitionId{row.partition}, row.force};
  const auto changed = change_role(map, request, 1023);
  if (row.refusal) {
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error(), *row.refusal);
    return;
  }
  ASSERT_TRUE(changed) << to_text(changed.error());
  auto expected = row.others_then.empty() ? row.others : row.others_then;
  expected.insert(expected.begin(), row.then);
  EXPECT_EQ(entries_of(*changed), expected);
  EXPECT_EQ(changed->version, next(map.version));
  EXPECT_THAT(violations(*changed), testing::IsEmpty());
}

const Entry other_master{2, master, active, 0, 1};
const Entry idle_master{2, master, active, 0, 0};
const Entry split_master{2, master, prepare, 1, 1};
const Entry ready_master{2, master, ready, 1, 1};
const Entry base{3, master, active, 0, 1};

INSTANTIATE_TEST_SUITE_P(
    ActiveMaster, NodeRole,
    testing::Values(Row{"Balance", {1, master, active, 0, 1}, {}, master, 3, 5, {}, {1, master, active, 0, 3}},
                    Row{"BalanceZeroWithReadSlave",
                        {1, master, active, 0, 1},
                        {{2, slave, active, 0, 1}},
                        master,
                        0,
                        0,
                        {},
                        {1, master, active, 0, 0}},
                    Row{"BalanceSumZero", {1, master, active, 0, 1}, {}, master, 0, 0, Refusal::balance_sum_zero},
                    Row{"BalanceMissing", {1, master, active, 0, 1}, {}, master, -1, -1, Refusal::balance_negative},
                    Row{"ToSlave", {1, master, active, 0, 1}, {}, slave, 1, 0, Refusal::role_not_allowed},
                    Row{"ToProxy", {1, master, active, 0, 1}, {}, proxy, 0, -1, Refusal::role_not_allowed}));

INSTANTIATE_TEST_SUITE_P(
    PreparingMaster, NodeRole,
    testing::Values(Row{"Balance", {1, master, prepare, 1, 1}, {base}, master, 4, 1, {}, {1, master, prepare, 1, 4}},
                    Row{"ReadyBalance", {1, master, ready, 1, 1}, {base}, master, 4, 1, {}, {1, master, ready, 1, 4}},
                    Row{"BalanceSumZero", {1, master, prepare, 1, 1}, {base}, master, 0, 1, Refusal::balance_sum_zero},
                    Row{"ToSlave", {1, master, prepare, 1, 1}, {base}, slave, 1, 1, Refusal::role_not_allowed},
                    Row{"ReadyToSlave", {1, master, ready, 1, 1}, {base}, slave, 1, 1, Refusal::role_not_allowed},
                    Row{"ToProxyCancelsTheSplit",
                        {1, master, prepare, 1, 1},
                        {base, {4, slave, prepare, 1, 2}},
                        proxy,
                        0,
                        -1,
                        {},
                        {1, proxy, active},
                        {base, {4, proxy, active}}},
                    Row{"ReadyToProxyCancelsTheSplit",
                        {1, master, ready, 1, 1},
                        {base, {4, slave, active, 1, 2}},
                        proxy,
                        0,
                        -1,
                        {},
                        {1, proxy, active},
                        {base, {4, proxy, active}}}));

INSTANTIATE_TEST_SUITE_P(
    ActiveSlave, NodeRole,
    testing::Values(
        Row{"Balance", {1, slave, active, 0, 0}, {other_master}, slave, 2, 7, {}, {1, slave, active, 0, 2}},
        Row{"BalanceZero", {1, slave, active, 0, 2}, {other_master}, slave, 0, 0, {}, {1, slave, active, 0, 0}},
        Row{"BalanceSumZero", {1, slave, active, 0, 2}, {idle_master}, slave, 0, 0, Refusal::balance_sum_zero},
        Row{"BalanceNegative", {1, slave, active, 0, 2}, {other_master}, slave, -1, 0, Refusal::balance_negative},
        Row{"ToProxy", {1, slave, active, 0, 2}, {other_master}, proxy, 0, -1, {}, {1, proxy, active}},
        Row{"ToProxyAsTheOnlyReadNode",
            {1, slave, active, 0, 2},
            {idle_master},
            proxy,
            0,
            -1,
            Refusal::balance_sum_zero},
        Row{"ToMaster", {1, slave, active, 0, 2}, {other_master}, master, 1, 0, Refusal::role_not_allowed}));

// docs/replication.md 10: after a failover without a slave in sync.
const Entry dead_master{2, master, down, 0, 1};
INSTANTIATE_TEST_SUITE_P(
    SlaveOfADeadMaster, NodeRole,
    testing::Values(
        Row{"Forced", {1, slave, active, 0, 2}, {dead_master}, master, 3, 0, {}, {1, master, active, 0, 3}, {}, true},
        Row{"NotForced", {1, slave, active, 0, 2}, {dead_master}, master, 3, 0, Refusal::force_needed},
        Row{"OfAnotherPartition",
            {1, slave, active, 0, 2},
            {dead_master},
            master,
            3,
            1,
            Refusal::role_not_allowed,
            {},
            {},
            true},
        Row{"WithoutBalance",
            {1, slave, active, 0, 2},
            {dead_master},
            master,
            0,
            0,
            Refusal::balance_not_positive,
            {},
            {},
            true},
        Row{"Incomplete",
            {1, slave, prepare, 0, 0},
            {dead_master},
            master,
            3,
            0,
            Refusal::role_not_allowed,
            {},
            {},
            true},
        Row{"WithALivingMaster",
            {1, slave, active, 0, 2},
            {other_master},
            master,
            3,
            0,
            Refusal::role_not_allowed,
            {},
            {},
            true}));

INSTANTIATE_TEST_SUITE_P(
    PreparingSlave, NodeRole,
    testing::Values(Row{"ToMaster", {1, slave, prepare, 0, 0}, {other_master}, master, 1, 0, Refusal::role_not_allowed},
                    Row{"BalanceUnderActiveMaster",
                        {1, slave, prepare, 0, 0},
                        {other_master},
                        slave,
                        1,
                        0,
                        Refusal::role_not_allowed},
                    Row{"BalanceUnderDeadMaster",
                        {1, slave, prepare, 0, 0},
                        {{2, master, down, 0, 1}},
                        slave,
                        1,
                        0,
                        Refusal::role_not_allowed},
                    Row{"BalanceUnderPreparingMaster",
                        {1, slave, prepare, 1, 0},
                        {split_master, base},
                        slave,
                        3,
                        1,
                        {},
                        {1, slave, prepare, 1, 3}},
                    Row{"BalanceUnderReadyMaster",
                        {1, slave, prepare, 1, 0},
                        {ready_master, base},
                        slave,
                        3,
                        1,
                        {},
                        {1, slave, prepare, 1, 3}},
                    Row{"ToProxy", {1, slave, prepare, 0, 0}, {other_master}, proxy, 0, -1, {}, {1, proxy, active}},
                    Row{"ToProxyWithoutBalanceCheck",
                        {1, slave, prepare, 0, 0},
                        {idle_master},
                        proxy,
                        0,
                        -1,
                        {},
                        {1, proxy, active}}));

INSTANTIATE_TEST_SUITE_P(
    ProxyToSlave, NodeRole,
    testing::Values(
        Row{"OfActiveMasterWithoutBalance",
            {1, proxy, active},
            {other_master},
            slave,
            5,
            0,
            {},
            {1, slave, prepare, 0, 0}},
        Row{"OfPreparingMaster", {1, proxy, active}, {split_master, base}, slave, 5, 1, {}, {1, slave, prepare, 1, 5}},
        Row{"OfReadyMaster", {1, proxy, active}, {ready_master, base}, slave, 5, 1, {}, {1, slave, prepare, 1, 5}},
        Row{"OfPreparingMasterWithoutBalance",
            {1, proxy, active},
            {split_master, base},
            slave,
            -1,
            1,
            {},
            {1, slave, prepare, 1, 0}},
        Row{"OfDeadMaster", {1, proxy, active}, {{2, master, down, 0, 1}}, slave, 1, 0, Refusal::no_master},
        Row{"OfNoMaster", {1, proxy, active}, {other_master}, slave, 1, 1, Refusal::no_master},
        Row{"OfNoPartition", {1, proxy, active}, {other_master}, slave, 1, -1, Refusal::no_master},
        Row{"ToProxyRaisesTheVersionOnly", {1, proxy, active}, {}, proxy, 0, -1, {}, {1, proxy, active}}));

INSTANTIATE_TEST_SUITE_P(
    ProxyToMaster, NodeRole,
    testing::Values(
        Row{"First", {1, proxy, active}, {}, master, 2, 0, {}, {1, master, active, 0, 2}},
        Row{"Next", {1, proxy, active}, {other_master}, master, 2, 1, {}, {1, master, prepare, 1, 2}},
        Row{"NextBesideDeadMaster",
            {1, proxy, active},
            {{2, master, down, 0, 1}},
            master,
            2,
            1,
            {},
            {1, master, prepare, 1, 2}},
        Row{"WithoutTheOneBefore", {1, proxy, active}, {}, master, 1, 1, Refusal::partition_not_next},
        Row{"BeyondTheNext", {1, proxy, active}, {other_master}, master, 1, 2, Refusal::partition_not_next},
        Row{"BeyondThePreparing", {1, proxy, active}, {split_master, base}, master, 1, 2, Refusal::partition_not_next},
        Row{"OfThePreparing", {1, proxy, active}, {split_master, base}, master, 1, 1, Refusal::partition_has_master},
        Row{"OfTheReady", {1, proxy, active}, {ready_master, base}, master, 1, 1, Refusal::partition_has_master},
        Row{"NegativePartition", {1, proxy, active}, {}, master, 1, -1, Refusal::partition_not_next},
        Row{"BeyondTheTable", {1, proxy, active}, {other_master}, master, 1, 1023, Refusal::partition_not_next},
        Row{"BalanceZero", {1, proxy, active}, {}, master, 0, 0, Refusal::balance_not_positive},
        Row{"BalanceMissing", {1, proxy, active}, {}, master, -1, 0, Refusal::balance_not_positive},
        Row{"OfLivingMaster", {1, proxy, active}, {other_master}, master, 1, 0, Refusal::partition_has_master},
        Row{"OfLivingMasterWithForce",
            {1, proxy, active},
            {other_master},
            master,
            1,
            0,
            Refusal::partition_has_master,
            {},
            {},
            true},
        Row{"TakeOverWithoutForce", {1, proxy, active}, {{2, master, down, 0, 1}}, master, 1, 0, Refusal::force_needed},
        Row{"TakeOver",
            {1, proxy, active},
            {{2, master, down, 0, 1}},
            master,
            1,
            0,
            {},
            {1, master, active, 0, 1},
            {},
            true}));

INSTANTIATE_TEST_SUITE_P(
    Down, NodeRole,
    testing::Values(Row{"Proxy", {1, proxy, down}, {}, proxy, 0, -1, Refusal::node_is_down},
                    Row{"ProxyToMaster", {1, proxy, down}, {}, master, 1, 0, Refusal::node_is_down},
                    Row{"Master", {1, master, down, 0, 1}, {}, master, 2, 0, Refusal::node_is_down}));

TEST(NodeRole, OfUnknownNodeIsRefused) {
  const auto changed = change_role(map_of({}), {key(1), master, 1, PartitionId{0}, false}, 1023);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error(), Refusal::unknown_node);
}

// cluster.md 2.2: the table of a partition-size S has rows for S - 1 partitions.
TEST(NodeRole, MakesNoMorePartitionsThanTheTableHas) {
  const auto map = map_of({{1, proxy, active}, other_master});
  const RoleRequest request{key(1), master, 1, PartitionId{1}, false};
  EXPECT_TRUE(change_role(map, request, 2));
  ASSERT_FALSE(change_role(map, request, 1));
}

TEST(NodeRole, LeavesTheOldMapAlone) {
  const auto map = map_of({{1, proxy, active}});
  const auto copy = map;
  EXPECT_TRUE(change_role(map, {key(1), master, 1, PartitionId{0}, false}, 1023));
  EXPECT_EQ(map, copy);
}

}  // namespace
}  // namespace flare::test
