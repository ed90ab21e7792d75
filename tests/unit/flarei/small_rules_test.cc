#include <gmock/gmock.h>

#include "flarei/delivery_order.h"
#include "flarei/map_change.h"
#include "flarei/node_event.h"
#include "flarei/probe_counter.h"
#include "unit/flarei/maps.h"

namespace flare::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Event = ProbeCounter::Event;

TEST(ProbeCounter, SaysDownOnceAtTheThreshold) {
  ProbeCounter counter;
  EXPECT_EQ(counter.failed(false, 3), Event::none);
  EXPECT_EQ(counter.failed(false, 3), Event::none);
  EXPECT_EQ(counter.failed(false, 3), Event::down);
  EXPECT_EQ(counter.failed(true, 3), Event::none);
  EXPECT_EQ(counter.failed(true, 3), Event::none);
}

TEST(ProbeCounter, CountsFailuresInARowOnly) {
  ProbeCounter counter;
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(counter.failed(false, 3), Event::none);
    EXPECT_EQ(counter.failed(false, 3), Event::none);
    EXPECT_EQ(counter.succeeded(false, 3), Event::none);
  }
}

TEST(ProbeCounter, SaysUpForAnyNodeThatIsDownInTheMap) {
  ProbeCounter counter;
  EXPECT_EQ(counter.succeeded(true, 3), Event::up);
  EXPECT_EQ(counter.succeeded(false, 3), Event::none);
}

TEST(ProbeCounter, StartsAnewWhenTheDownEventDidNotCount) {
  ProbeCounter counter;
  for (int failure = 0; failure < 3; ++failure) static_cast<void>(counter.failed(false, 3));
  EXPECT_EQ(counter.failed(false, 3), Event::none);
  EXPECT_EQ(counter.failed(false, 3), Event::none);
  EXPECT_EQ(counter.failed(false, 3), Event::down);
}

TEST(ProbeCounter, FollowsALowerThreshold) {
  ProbeCounter counter;
  EXPECT_EQ(counter.failed(false, 1), Event::down);
}

const NodeKey one{"n", 1};
const NodeKey two{"n", 2};
const NodeKey three{"n", 3};

TEST(DeliveryOrder, LetsAllReceiveWithoutPriorNodes) { EXPECT_TRUE(DeliveryOrder{}.may_receive(one)); }

TEST(DeliveryOrder, HoldsOthersUntilEachGroupIsDone) {
  DeliveryOrder order;
  order.hold_for({{one}, {two}});
  EXPECT_TRUE(order.may_receive(one));
  EXPECT_FALSE(order.may_receive(two));
  order.done(one);
  EXPECT_TRUE(order.may_receive(two));
  EXPECT_FALSE(order.may_receive(three));
  order.done(two);
  EXPECT_FALSE(order.holds());
  EXPECT_TRUE(order.may_receive(three));
}

TEST(DeliveryOrder, GivesUp) {
  DeliveryOrder order;
  order.hold_for({{one}});
  order.give_up();
  EXPECT_TRUE(order.may_receive(three));
}

TEST(PriorGroups, AreNoneForOrdinaryChanges) {
  const auto map = map_of({{1, proxy, active}, {2, master, active, 0, 1}});
  EXPECT_THAT(prior_groups(map, map), IsEmpty());
  EXPECT_THAT(prior_groups(map, map_of({{1, slave, prepare, 0, 0}, {2, master, active, 0, 1}})), IsEmpty());
  EXPECT_THAT(prior_groups(map_of({{1, slave, prepare, 0, 0}}), map_of({{1, slave, active, 0, 0}})), IsEmpty());
}

TEST(PriorGroups, AreThePromotedSlave) {
  const auto map = map_of({{1, master, active, 0, 1}, {2, slave, active, 0, 1}});
  EXPECT_THAT(prior_groups(map, *node_down(map, one)), ElementsAre(ElementsAre(two)));
}

TEST(PriorGroups, AreTheActivatedMasterThenItsSlaves) {
  const auto map = map_of({{1, master, ready, 1, 1}, {2, slave, active, 1, 1}, {3, master, active, 0, 1}});
  EXPECT_THAT(prior_groups(map, *node_up(map, one, SlaveBuild::unproven)),
              ElementsAre(ElementsAre(one), ElementsAre(two)));
}

TEST(ChangeLines, NameOldNewCauseAndVersion) {
  const auto map = map_of({{1, master, active, 0, 1}, {2, slave, active, 0, 1}});
  EXPECT_THAT(
      change_lines(map, *node_down(map, one), "3 failed probes"),
      ElementsAre("node n:1 changed from master/active/0/1 to proxy/down/-1/0 by 3 failed probes, map version 11",
                  "node n:2 changed from slave/active/0/1 to master/active/0/1 by 3 failed probes, map version "
                  "11"));
}

TEST(ChangeLines, NameNodesThatComeAndGo) {
  EXPECT_THAT(change_lines(map_of({}), map_of({{1, proxy, active}}), "node add"),
              ElementsAre(HasSubstr("from none to proxy/active")));
  EXPECT_THAT(change_lines(map_of({{1, proxy, down}}), map_of({}), "node remove"),
              ElementsAre(HasSubstr("from proxy/down/-1/0 to none")));
}

}  // namespace
}  // namespace flare::test
