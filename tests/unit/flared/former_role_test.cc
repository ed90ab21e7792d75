// docs/replication.md 9: what workers execute by a former map is never called committed.
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

class FormerRole : public testing::TestWithParam<Case> {
 protected:
  FormerRole() {
    NodeAgent::Setup setup;
    setup.server_name = "127.0.0.1";
    setup.port = 1;
    setup.gate = &gate_;
    setup.settle = [this](std::function<void()> done) { settled_.push_back(std::move(done)); };
    agent_.emplace(context_.get_executor(), std::move(setup), storage_, pool_, index_, log_,
                   [](const std::shared_ptr<const RoutingView>&) {});
  }

  void take_map(std::string_view lines, int version) {
    ASSERT_EQ(agent_->take_map(lines, MapVersion(version)), "OK\r\n");
    context_.poll();
  }
  void workers_take_it() {
    for (auto& done : std::exchange(settled_, {})) done();
    context_.restart();
    context_.poll();
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

TEST_P(FormerRole, IsNotCommittedWhileWorkersActByIt) {
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

}  // namespace
}  // namespace flare::test
