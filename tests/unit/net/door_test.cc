#include "common/protocol/door.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/door_keeper.h"

namespace flare {
namespace {

using enum AccessClass;

AddressList list(std::string_view text) { return *AddressList::parse(text); }

Door main_door() {
  Door door;
  door.name = main_door_name;
  door.port = 1;
  return door;
}

TEST(Door, WithoutListsGivesAllItsClassesToEverybody) {
  auto door = main_door();
  EXPECT_EQ(door.granted_to(PeerAddress{}), AccessClasses::all());
  EXPECT_EQ(door.open_to_all(), AccessClasses::all());
  door.classes = data;
  EXPECT_EQ(door.granted_to(PeerAddress{}), AccessClasses{data}) << "a set of classes, not the word";
}

TEST(Door, GivesEachClassByItsOwnList) {
  auto door = main_door();
  door.data_from = list("10.0.0.0/8");
  door.admin_from = list("10.0.0.1, unix");
  EXPECT_EQ(door.granted_to(*parse_peer_address("10.0.0.1")), AccessClasses::all());
  EXPECT_EQ(door.granted_to(*parse_peer_address("10.0.0.2")), read | data | cluster);
  EXPECT_EQ(door.granted_to(PeerAddress{}), cluster | admin);
  EXPECT_EQ(door.open_to_all(), AccessClasses{cluster});
}

TEST(Door, IsNamedInOneWarningWhileItIsOpen) {
  auto door = main_door();
  auto web = main_door();
  web.name = "web";
  web.port = 2;
  web.classes = data;
  const auto warning = open_doors_warning({door, web});
  ASSERT_TRUE(warning);
  EXPECT_NE(warning->find("server-port (port 1) for data,cluster,admin; web (port 2) for data"), std::string::npos)
      << *warning;
  door.data_from = door.cluster_from = door.admin_from = list("unix");
  web.data_from = list("none");
  EXPECT_FALSE(open_doors_warning({door, web}));
}

TEST(Door, ClashesWithAnotherAtTheSamePlaceOnly) {
  auto a = main_door();
  auto b = main_door();
  b.name = "b";
  EXPECT_TRUE(door_clash({a, b}));
  a.bind = {"127.0.0.1"};
  EXPECT_TRUE(door_clash({a, b})) << "all addresses hold that one";
  b.bind = {"::1", "127.0.0.2"};
  EXPECT_FALSE(door_clash({a, b}));
  b.bind.emplace_back("127.0.0.1");
  EXPECT_TRUE(door_clash({a, b}));
  b.port = 2;
  EXPECT_FALSE(door_clash({a, b}));
}

TEST(Door, LetsNodesInByTheTextOfTheirAddress) {
  auto door = main_door();
  door.cluster_from = list("10.0.0.1, 2001:db8::/32, unix");
  EXPECT_TRUE(lets_nodes_in({door}, "10.0.0.1:4711"));
  EXPECT_TRUE(lets_nodes_in({door}, "2001:db8::7:4711"));
  EXPECT_TRUE(lets_nodes_in({door}, "/run/flare/node.sock"));
  EXPECT_FALSE(lets_nodes_in({door}, "10.0.0.2:4711"));
}

TEST(AccessClassesText, IsAListWithoutRepetition) {
  EXPECT_EQ(parse_access_classes("data"), read | data);
  EXPECT_EQ(parse_access_classes("admin, data,cluster"), AccessClasses::all());
  for (const auto* bad : {"", "read", "data,", "data,data", "root", "DATA", "data cluster"}) {
    EXPECT_FALSE(parse_access_classes(bad)) << bad;
  }
}

class TestLog final : public Log {
 public:
  void write(Level, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

class HeldClock final : public Clock {
 public:
  std::int64_t unix_s() const override { return 0; }
  std::chrono::steady_clock::time_point steady() const override { return now; }
  std::chrono::steady_clock::time_point now = std::chrono::steady_clock::time_point{} + std::chrono::hours{1};
};

class DoorKeeperTest : public testing::Test {
 protected:
  // One end of a unix pair; the other stays in `client_`.
  int connection() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    clients_.push_back(ends[0]);
    return ends[1];
  }
  ~DoorKeeperTest() override {
    for (const int descriptor : clients_) ::close(descriptor);
  }

  TestLog log_;
  HeldClock clock_;
  std::vector<int> clients_;
};

Doors only_admin_by_socket(std::string_view data_from) {
  auto door = main_door();
  door.data_from = list(data_from);
  door.cluster_from = list("none");
  door.admin_from = list("none");
  return {door};
}

TEST_F(DoorKeeperTest, RefusesWithALineAndCloses) {
  DoorKeeper keeper{only_admin_by_socket("10.0.0.1"), log_, clock_};
  EXPECT_FALSE(keeper.admit(0, connection(), {"somebody", PeerAddress{}, std::nullopt}));
  char text[200];
  const auto n = ::recv(clients_.back(), text, sizeof text, 0);
  ASSERT_GT(n, 0);
  EXPECT_EQ(std::string(text, static_cast<std::size_t>(n)),
            "CLIENT_ERROR access denied (this address is not allowed here)\r\n");
  EXPECT_EQ(::recv(clients_.back(), text, sizeof text, 0), 0);
  ASSERT_EQ(log_.lines.size(), 1U);
  EXPECT_EQ(log_.lines[0], "connection of somebody refused at door server-port (port 1): its address is in no list");
}

TEST_F(DoorKeeperTest, LogsOneRefusalOfASecondAndCountsTheRest) {
  DoorKeeper keeper{only_admin_by_socket("unix"), log_, clock_};
  const int descriptor = connection();
  const auto passage = keeper.admit(0, descriptor, {"unix socket", PeerAddress{}, std::nullopt});
  ASSERT_TRUE(passage);
  EXPECT_TRUE(passage->allows(data));
  EXPECT_FALSE(passage->allows(cluster | admin));
  for (int i = 0; i < 10; ++i) passage->tell_refused("unix socket", "kill", admin);
  EXPECT_EQ(log_.lines.size(), 1U);
  clock_.now += std::chrono::seconds{1};
  passage->tell_refused("unix socket", "kill", admin);
  ASSERT_EQ(log_.lines.size(), 2U);
  EXPECT_EQ(log_.lines[1],
            "request 'kill' of unix socket refused at door server-port: it has not class admin (9 more since the last "
            "such line)");
  EXPECT_NE(keeper.stats().find("STAT server-port:refused_requests 11\r\n"), std::string::npos);
  ::close(descriptor);
}

// docs/security.md, PROXY protocol: an address counts while somebody of the list has told it.
TEST_F(DoorKeeperTest, TakesAPassageBackWhenItsBalancerIsNoneAnyMore) {
  auto doors = only_admin_by_socket("10.0.0.0/8");
  doors[0].proxies_from = list("192.0.2.1");
  DoorKeeper keeper{doors, log_, clock_};
  const int descriptor = connection();
  auto passage =
      keeper.admit(0, descriptor, {"somebody", *parse_peer_address("10.0.0.7"), parse_peer_address("192.0.2.1")});
  ASSERT_TRUE(passage);
  EXPECT_TRUE(passage->allows(data));
  EXPECT_NE(keeper.stats().find("STAT server-port:proxied 1\r\n"), std::string::npos);
  keeper.change(doors);
  EXPECT_TRUE(passage->renew(*keeper.doors()));
  doors[0].proxies_from = list("192.0.2.2");
  keeper.change(doors);
  EXPECT_FALSE(passage->renew(*keeper.doors()));
  ::close(descriptor);
}

TEST_F(DoorKeeperTest, RenewsPassagesByNewLists) {
  DoorKeeper keeper{only_admin_by_socket("unix"), log_, clock_};
  const int descriptor = connection();
  auto passage = keeper.admit(0, descriptor, {"unix socket", PeerAddress{}, std::nullopt});
  ASSERT_TRUE(passage);
  auto doors = only_admin_by_socket("unix");
  doors[0].admin_from = list("all");
  keeper.change(doors);
  EXPECT_TRUE(passage->renew(*keeper.doors()));
  EXPECT_EQ(passage->granted, read | data | admin);
  keeper.change(only_admin_by_socket("none"));
  EXPECT_FALSE(passage->renew(*keeper.doors()));
  EXPECT_NE(keeper.stats().find("STAT server-port:closed_by_new_lists 1\r\n"), std::string::npos);
  ::close(descriptor);
}

TEST_F(DoorKeeperTest, GrantsWhatMustBeProvenOnlyWhenItIs) {
  auto doors = only_admin_by_socket("unix");
  doors[0].to_be_proven = read | data | admin;
  DoorKeeper keeper{doors, log_, clock_};
  const int descriptor = connection();
  auto passage = keeper.admit(0, descriptor, {"unix socket", PeerAddress{}, std::nullopt});
  ASSERT_TRUE(passage) << "it may come in, to prove who it is";
  EXPECT_TRUE(passage->granted.empty());
  passage->proven = read | admin;
  passage->settle(doors[0]);
  EXPECT_EQ(passage->granted, AccessClasses{read}) << "its address has not class admin";
  doors[0].to_be_proven = {};
  EXPECT_TRUE(passage->renew(doors));
  EXPECT_EQ(passage->granted, read | data);
  ::close(descriptor);
}

}  // namespace
}  // namespace flare
