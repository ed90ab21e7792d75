#include "flared/flush_rules.h"

#include <gtest/gtest.h>

#include <ostream>

namespace flare {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Node node_of(Role role, State state = State::active, int partition = 0, int port = 1) {
  return {"h", port, role, state, PartitionId{partition}, 1, ThreadType{15 + port}};
}

struct Case {
  std::optional<Node> own;
  std::optional<std::chrono::steady_clock::duration> since_down;
  std::string_view refusal;
};

class FlushRefusal : public testing::TestWithParam<Case> {};

TEST_P(FlushRefusal, FollowsTheRoleAndTheTimeSinceTheNodeWasDown) {
  EXPECT_EQ(flush_refusal(GetParam().own, GetParam().since_down), GetParam().refusal);
}

constexpr std::string_view at_slave = "SERVER_ERROR flush_all refused: this node is a slave, flush its master\r\n";
constexpr std::string_view too_early =
    "SERVER_ERROR flush_all refused: this master was down or asked to go down less than 30 s ago\r\n";

INSTANTIATE_TEST_SUITE_P(
    Design_3_7, FlushRefusal,
    testing::Values(Case{std::nullopt, std::nullopt, ""}, Case{node_of(Role::proxy), std::nullopt, ""},
                    Case{node_of(Role::proxy), seconds{1}, ""}, Case{node_of(Role::slave), std::nullopt, at_slave},
                    Case{node_of(Role::slave, State::down), seconds{1}, at_slave},
                    Case{node_of(Role::slave), seconds{31}, at_slave}, Case{node_of(Role::master), std::nullopt, ""},
                    Case{node_of(Role::master), seconds{0}, too_early},
                    Case{node_of(Role::master), milliseconds{29'999}, too_early},
                    Case{node_of(Role::master), seconds{30}, ""},
                    Case{node_of(Role::master, State::prepare), std::nullopt, ""}));

TEST(FlushPlace, IsElsewhereOnlyByTheOptionAtAProxyOrSlaveAndForAClient) {
  for (const auto role : {Role::master, Role::slave, Role::proxy}) {
    const auto own = node_of(role);
    EXPECT_FALSE(flushes_masters(ProxyFlushAll::own, own, false));
    EXPECT_EQ(flushes_masters(ProxyFlushAll::cluster, own, false), role != Role::master);
    EXPECT_FALSE(flushes_masters(ProxyFlushAll::cluster, own, true)) << "passed on twice it could go round for ever";
  }
  EXPECT_FALSE(flushes_masters(ProxyFlushAll::cluster, std::nullopt, false));
}

RoutingView view_of(const std::vector<Node>& nodes) {
  RoutingView view;
  for (const auto& node : nodes) view.map.nodes.emplace(node.key(), node);
  view.partitions = *PartitionMap::make(view.map, PartitionMeta{}, KeyHashAlgorithm::simple);
  return view;
}

TEST(MastersToFlush, AreThoseOfAllPartitionsOrNone) {
  const auto first = node_of(Role::master, State::active, 0, 1);
  const auto second = node_of(Role::master, State::active, 1, 2);
  const auto slave = node_of(Role::slave, State::active, 0, 3);
  const auto all = masters_to_flush(view_of({first, second, slave}));
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(*all, (std::vector{first, second}));

  auto down = second;
  down.state = State::down;
  const auto one_lacks = masters_to_flush(view_of({first, down, slave}));
  ASSERT_FALSE(one_lacks.has_value());
  EXPECT_EQ(one_lacks.error(), "partition 1 has no master");
  EXPECT_EQ(masters_to_flush(view_of({})).error(), "there is no partition");
}

TEST(ForwardedFlush, CarriesThePrefixThatKeepsItFromGoingFurther) {
  EXPECT_EQ(forwarded_flush(NodeKey{"h", 1}, 0), "<h:1>flush_all\r\n");
  EXPECT_EQ(forwarded_flush(NodeKey{"h", 1}, 10), "<h:1>flush_all 10\r\n");
}

}  // namespace
}  // namespace flare
