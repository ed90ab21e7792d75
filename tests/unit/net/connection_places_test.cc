// docs/spec/cluster.md 9.16: clients take max-connection places, the cluster's daemons have their own.
#include "common/net/connection_places.h"

#include <gtest/gtest.h>

#include <string>

namespace flare {
namespace {

using Proof = ConnectionPlaces::Proof;

const std::string client = "10.0.0.9:5000";
const std::string node = "10.0.0.1:6000";

TEST(ConnectionPlaces, ClientsTakeAsManyAsMaxConnection) {
  ConnectionPlaces places{2};
  EXPECT_EQ(places.take(client, false), Place::client);
  EXPECT_EQ(places.take(client, false), Place::client);
  EXPECT_EQ(places.take(client, false), Place::none);
  EXPECT_EQ(places.figures().refused, 1U);
  places.leave(Place::client, client);
  EXPECT_EQ(places.take(client, false), Place::client);
  places.change_clients_max(1);
  EXPECT_EQ(places.take(client, false), Place::none);
}

TEST(ConnectionPlaces, ADaemonsAddressIsLetInOnTrialWhenClientsHaveTakenAll) {
  ConnectionPlaces places{1};
  places.know({"10.0.0.1"});
  EXPECT_EQ(places.take(node, false), Place::client);
  EXPECT_EQ(places.take(node, false), Place::trial);
  EXPECT_EQ(places.take(client, false), Place::none) << "another address";
  EXPECT_EQ(places.settle(Place::trial, node, Proof::request), Place::node);
  EXPECT_EQ(places.figures().nodes, 1U);
  places.leave(Place::node, node);
  EXPECT_EQ(places.figures().nodes, 0U);
  EXPECT_EQ(places.figures().clients, 1U);
}

struct Settling {
  const char* peer;
  Proof proof;
  Place place;
};
class WhoShowsWhatItIs : public testing::TestWithParam<Settling> {};

TEST_P(WhoShowsWhatItIs, IsCountedAsThat) {
  ConnectionPlaces places{1};
  places.know({"10.0.0.1", "::1"});
  ASSERT_EQ(places.take(GetParam().peer, false), Place::client);
  EXPECT_EQ(places.settle(Place::client, GetParam().peer, GetParam().proof), GetParam().place);
  EXPECT_EQ(places.figures().clients, GetParam().place == Place::client ? 1U : 0U);
}
INSTANTIATE_TEST_SUITE_P(Places, WhoShowsWhatItIs,
                         testing::Values(Settling{"10.0.0.1:6000", Proof::request, Place::node},
                                         Settling{"::1:6000", Proof::request, Place::node},
                                         Settling{"10.0.0.9:5000", Proof::request, Place::client},
                                         Settling{"10.0.0.9:5000", Proof::hello, Place::node},
                                         Settling{"/run/flare.sock", Proof::request, Place::client},
                                         Settling{"/run/flare.sock", Proof::hello, Place::node}));

TEST(ConnectionPlaces, WhereOnlyNodesMayAskNobodyIsAClient) {
  ConnectionPlaces places{0};
  EXPECT_EQ(places.take(client, true), Place::node);
  EXPECT_EQ(places.take(client, false), Place::none);
}

TEST(ConnectionPlaces, OneAddressDoesNotTakeAllPlacesOfNodes) {
  ConnectionPlaces places{0};
  places.know({"10.0.0.1", "10.0.0.2"});
  for (std::size_t i = 0; i < limits::node_connections_of_address_max; ++i) {
    ASSERT_EQ(places.take(node, false), Place::trial) << i;
  }
  EXPECT_EQ(places.take(node, false), Place::none);
  EXPECT_EQ(places.take("10.0.0.2:1", false), Place::trial);
  places.leave(Place::trial, node);
  EXPECT_EQ(places.take(node, false), Place::trial);
}

// The cluster's id is no secret: whoever says it from anywhere leaves half of the places to those whom the map names.
TEST(ConnectionPlaces, HellosOfUnknownAddressesTakeHalfOfThePlacesOfNodes) {
  ConnectionPlaces places{2 * limits::node_connections_max};
  places.know({"10.0.0.1"});
  std::size_t nodes = 0;
  for (std::size_t i = 0; i < limits::node_connections_max; ++i) {
    const auto peer = "10.1.0." + std::to_string(i % 100) + ":7";
    ASSERT_EQ(places.take(peer, false), Place::client);
    if (places.settle(Place::client, peer, Proof::hello) == Place::node) ++nodes;
  }
  EXPECT_EQ(nodes, limits::node_connections_max / 2);
  ASSERT_EQ(places.take(node, false), Place::client);
  EXPECT_EQ(places.settle(Place::client, node, Proof::hello), Place::node);
}

}  // namespace
}  // namespace flare
