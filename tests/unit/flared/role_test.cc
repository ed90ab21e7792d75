// When a node takes up a role, and when it has left its former one (docs/replication.md 9).
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <ostream>

#include "flared/node_agent.h"
#include "worker_fixture.h"

namespace flare::test {
namespace {

// NODE <name> <port> <role> <state> <partition> <balance> <thread type>; the other node is always there.
constexpr const char* as_master = "NODE 127.0.0.1 1 0 0 0 1 16\r\nNODE 127.0.0.1 2 1 0 0 1 17\r\n";

struct Case {
  std::string next;
  std::string map;
  bool alone;  // in the end, when the workers have taken the map
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << row.next; }

class Role : public testing::Test {
 protected:
  Role() {
    NodeAgent::Setup setup;
    setup.server_name = "127.0.0.1";
    setup.port = 1;
    setup.gate = &gate_;
    setup.settle = [this](std::function<void()> done) { settled_.push_back(std::move(done)); };
    agent_.emplace(context_.get_executor(), std::move(setup), storage_, pool_, index_, log_,
                   [](const std::shared_ptr<const RoutingView>&) {});
  }

  void run() {
    context_.restart();
    context_.poll();
  }
  void join() {
    agent_->joined({});
    run();
  }

  void take_map(std::string_view lines, int version) {
    ASSERT_EQ(agent_->take_map(lines, MapVersion(version)), "OK\r\n");
    run();
  }
  void workers_take_it() {
    for (auto& done : std::exchange(settled_, {})) done();
    run();
  }

  asio::io_context context_;
  MemoryStorage storage_;
  BlockingPool pool_{1, 16};
  SilentLog log_;
  CommitGate gate_;
  IndexLink index_{context_.get_executor(), {}, "", log_};
  std::vector<std::function<void()>> settled_;
  std::optional<NodeAgent> agent_;
};

class FormerRole : public Role, public testing::WithParamInterface<Case> {};

TEST_P(FormerRole, IsNotCommittedWhileWorkersActByIt) {
  join();
  ASSERT_NO_FATAL_FAILURE(take_map(as_master, 1));
  ASSERT_TRUE(agent_->is_leading());
  ASSERT_NO_FATAL_FAILURE(take_map(GetParam().map, 2));
  EXPECT_FALSE(gate_.reached(Sequence{1})) << "a worker that still has the former map writes entry 1";
  std::optional<bool> told;
  gate_.when_reached(Sequence{1}, [&](bool committed) { told = committed; });
  ASSERT_FALSE(told);
  ASSERT_FALSE(settled_.empty());
  workers_take_it();
  EXPECT_EQ(told, false) << "nobody knows whether it is kept";
  EXPECT_EQ(gate_.alone(), GetParam().alone);
}

INSTANTIATE_TEST_SUITE_P(
    Replication_9, FormerRole,
    testing::Values(Case{"Proxy", "NODE 127.0.0.1 1 2 0 -1 0 16\r\nNODE 127.0.0.1 2 0 0 0 1 17\r\n", true},
                    Case{"Slave", "NODE 127.0.0.1 1 1 0 0 1 16\r\nNODE 127.0.0.1 2 0 0 0 1 17\r\n", false}),
    [](const auto& given) { return given.param.next; });

// It may be over by the answer to `node add`: the index then promotes a slave, which would not have what is done by it.
TEST_F(Role, IsNotTakenUpBeforeThisNodeHasJoined) {
  EXPECT_EQ(agent_->take_map(as_master, MapVersion{1}), "SERVER_ERROR not joined yet\r\n");
  run();
  EXPECT_FALSE(agent_->is_leading());
  join();
  ASSERT_NO_FATAL_FAILURE(take_map(as_master, 1));
  EXPECT_TRUE(agent_->is_leading());
}

}  // namespace
}  // namespace flare::test
