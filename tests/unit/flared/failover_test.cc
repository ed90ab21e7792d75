// docs/replication.md 12: what requests that are for a master meet while it cannot be reached, and when another takes
// over.
#include <gtest/gtest.h>

#include <chrono>

#include "common/protocol/reply_writer.h"
#include "unit/flared/worker_fixture.h"

namespace flare::test {
namespace {

using namespace std::chrono_literals;

constexpr int own_port = 1;

class Failover : public WorkerTest {
 protected:
  void SetUp() override {
    setup_.failover_wait_ms = 10'000;
    WorkerTest::SetUp();
  }

  Node own(Role role, int balance = 0) const {
    return {"127.0.0.1", own_port,      role, State::active, PartitionId{role == Role::proxy ? -1 : 0},
            balance,     ThreadType{16}};
  }
  Node other(Role role, State state, const Port& port, int thread_type = 17) const {
    return {"127.0.0.1", port.number(),          role, state, PartitionId{role == Role::proxy ? -1 : 0},
            1,           ThreadType{thread_type}};
  }
  void follow_master(int balance = 0) {
    publish({own(Role::slave, balance), other(Role::master, State::active, master_port_)}, own_port);
  }
  void be_promoted() { publish({own(Role::master, 1), other(Role::proxy, State::down, master_port_)}, own_port); }
  std::string ask(std::string_view request, std::size_t bytes) {
    const Client client{worker_, setup_};
    client.send(request);
    return client.read(bytes);
  }

  Port master_port_;
};

TEST_F(Failover, AWriteThatIsNotSentIsDoneHereWhenThisNodeIsPromoted) {
  follow_master();
  Client client{worker_, setup_};
  client.send("set k 0 0 1\r\nv\r\n");
  Client other{worker_, setup_};
  other.send("mn\r\n");
  EXPECT_EQ(other.read(4), "MN\r\n");
  EXPECT_FALSE(client.has_answer());
  be_promoted();
  EXPECT_EQ(client.read(8), "STORED\r\n");
}

// One key's requests of one connection take effect and are seen in order, noreply included, over a change of the map.
TEST_F(Failover, OrderOfOneKeyHoldsOverThePromotionOfThisNode) {
  follow_master(1);  // its reads are answered here
  for (const bool silent : {false, true}) {
    if (silent) {
      master_port_.listen_in_silence();
      follow_master(1);
    }
    Client client{worker_, setup_};
    client.send(
        "get k\r\n"
        "set k 0 0 1 noreply\r\na\r\n"
        "append k 0 0 1\r\nb\r\n"
        "get k\r\n"
        "append k 0 0 1 noreply\r\nc\r\n"
        "md k q\r\n"
        "mg k v\r\n"
        "ms k 1 q\r\nd\r\n"
        "get k\r\n"
        "set end 0 0 1\r\ne\r\n");
    if (!silent) {
      be_promoted();
      const std::string expected =
          "END\r\nSTORED\r\nVALUE k 0 2\r\nab\r\nEND\r\nEN\r\nVALUE k 0 1\r\nd\r\nEND\r\nSTORED\r\n";
      EXPECT_EQ(client.read(expected.size()), expected);
      EXPECT_EQ(ask("delete k\r\n", 9), "DELETED\r\n");
      continue;
    }
    // All is sent, so it is in doubt and never done here; what was only read is read anew, in its turn.
    ASSERT_TRUE(master_port_.hears("set end "));
    be_promoted();
    const std::string error{reply::proxy_error};
    const std::string expected = "END\r\n" + error + "END\r\n" + error + "EN\r\n" + error + "END\r\n" + error;
    EXPECT_EQ(client.read(expected.size()), expected);
  }
}

TEST_F(Failover, APipelinedWriteDoesNotOvertakeAReadElsewhere) {
  const Port reader_port;
  reader_port.listen_in_silence();
  // Only the silent slave is read.
  auto master = other(Role::master, State::active, master_port_);
  master.balance = 0;
  auto reader = other(Role::slave, State::active, reader_port, 18);
  publish({own(Role::slave), master, reader}, own_port);
  Client client{worker_, setup_};
  client.send("get k\r\nset k 0 0 1\r\nv\r\nget k\r\n");
  Client other{worker_, setup_};
  other.send("mn\r\n");
  EXPECT_EQ(other.read(4), "MN\r\n");
  be_promoted();
  const std::string expected = "END\r\nSTORED\r\nVALUE k 0 1\r\nv\r\nEND\r\n";
  EXPECT_EQ(client.read(expected.size()), expected);
}

TEST_F(Failover, ANewMasterElsewhereGetsWhatWaits) {
  const Port new_port;
  new_port.listen_in_silence();
  publish({own(Role::proxy), other(Role::master, State::active, master_port_),
           other(Role::slave, State::active, new_port, 18)},
          own_port);
  setup_.answer_deadline = 300ms;
  Client client{worker_, setup_};
  client.send("set k 0 0 1\r\nv\r\n");
  publish({own(Role::proxy), other(Role::proxy, State::down, master_port_),
           other(Role::master, State::active, new_port, 18)},
          own_port);
  EXPECT_EQ(client.read(reply::proxy_error.size()), reply::proxy_error) << "sent, and not answered in time";
}

TEST_F(Failover, APartitionWithoutALiveMasterFailsAtOnce) {
  follow_master();
  Client waiting{worker_, setup_};
  waiting.send("set k 0 0 1\r\nv\r\n");
  const auto begun = std::chrono::steady_clock::now();
  publish({own(Role::slave), other(Role::master, State::down, master_port_)}, own_port);
  EXPECT_EQ(waiting.read(reply::proxy_failure.size()), reply::proxy_failure) << "it waited for this map";
  EXPECT_EQ(ask("set k 0 0 1\r\nv\r\n", reply::proxy_failure.size()), reply::proxy_failure);
  EXPECT_EQ(ask("incr k 1\r\n", reply::proxy_failure.size()), reply::proxy_failure);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

// replication.md 7: a new partition's master holds what it is asked until it has all of its keys.
TEST_F(Failover, WhatIsAskedOfANodeThatTakesOverIsDoneInOrderWhenItHasAll) {
  const auto publish_taking_over = [this](bool taking_over) {
    auto view = std::make_shared<RoutingView>();
    const auto node = own(Role::master, 1);
    view->map.nodes.emplace(node.key(), node);
    view->partitions = *PartitionMap::make(view->map, PartitionMeta{}, KeyHashAlgorithm::simple);
    view->self = 0;
    view->taking_over = taking_over;
    worker_.publish(view);
  };
  publish_taking_over(true);
  Client client{worker_, setup_};
  client.send("<a:1,b:2,c:3,d:4>set k 0 0 1\r\na\r\nappend k 0 0 1 noreply\r\nb\r\nget k\r\nmg k v\r\ngat 0 k l\r\n");
  Client other{worker_, setup_};
  other.send("mn\r\n");
  EXPECT_EQ(other.read(4), "MN\r\n");
  EXPECT_FALSE(client.has_answer());
  publish_taking_over(false);
  const std::string value = "VALUE k 0 2\r\nab\r\nEND\r\n";
  const std::string expected = "STORED\r\n" + value + "VA 2\r\nab\r\n" + value;
  EXPECT_EQ(client.read(expected.size()), expected);
}

TEST_F(Failover, AClientThatLeftWritesNothingLater) {
  follow_master();
  {
    Client client{worker_, setup_};
    client.send("set gone 0 0 1\r\nv\r\n");
    Client other{worker_, setup_};
    other.send("mn\r\n");
    EXPECT_EQ(other.read(4), "MN\r\n");
  }
  Client stays{worker_, setup_};
  stays.send("set here 0 0 1\r\nv\r\n");
  be_promoted();
  EXPECT_EQ(stays.read(8), "STORED\r\n");
  EXPECT_EQ(ask("get gone\r\n", 5), "END\r\n");
}

TEST_F(Failover, AStopReleasesWhatWaits) {
  follow_master();
  Client client{worker_, setup_};
  client.send("set k 0 0 1\r\nv\r\n");
  Client other{worker_, setup_};
  other.send("mn\r\n");
  EXPECT_EQ(other.read(4), "MN\r\n");
  const auto begun = std::chrono::steady_clock::now();
  worker_.stop(5s);
  worker_.join();
  EXPECT_EQ(client.read(reply::proxy_failure.size()), reply::proxy_failure);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
}

TEST_F(Failover, WhatWaitsIsBounded) {
  setup_.queue.most = 3;
  follow_master();
  Client client{worker_, setup_};
  std::string requests;
  for (int number = 0; number < 5; ++number) requests += "set k" + std::to_string(number) + " 0 0 1\r\nv\r\n";
  client.send(requests);
  Client other{worker_, setup_};
  other.send("mn\r\n");
  EXPECT_EQ(other.read(4), "MN\r\n");
  be_promoted();
  const std::string failure{reply::proxy_failure};
  const std::string expected = "STORED\r\nSTORED\r\nSTORED\r\n" + failure + failure;
  EXPECT_EQ(client.read(expected.size()), expected);
}

}  // namespace
}  // namespace flare::test
