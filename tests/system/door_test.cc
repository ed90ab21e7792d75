// docs/security.md, Doors: what refusals do and say. Who may ask what is access_table_test.cc's.
#include <gtest/gtest.h>

#include <csignal>

#include "support/cluster.h"
#include "support/door_lists.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using doors::client;
using doors::operators;

const std::string denied = "CLIENT_ERROR access denied (";

bool is_open(TextClient& connection) { return connection.ask("version").starts_with("VERSION "); }

class DoorTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  std::string socket_of(const std::string& daemon) const { return (folder_.path() / (daemon + ".sock")).string(); }

  void start_with_master() {
    cluster_.start();
    cluster_.make_master(0);
    const auto leads = [&] { return TextClient{node_, client}.ask("delete nothing") == "NOT_FOUND"; };
    ASSERT_TRUE(eventually(leads)) << "the map is the index's: the node follows a moment later";
  }

  static std::uint64_t figure(const Address& daemon, const std::string& name) {
    return std::stoull(ask_stat(daemon, "stats doors", name));
  }

  TempDir folder_;
  const Address node_{"127.0.0.1", 12121};
  const Address index_{"127.0.0.1", 12120};
  Cluster cluster_{{.folder = folder_.path(),
                    .index = index_,
                    .nodes = {node_},
                    .index_lines = doors::lines(socket_of("flarei"), 13001),
                    .node_lines = doors::lines(socket_of("flared"), 13101)}};
};

TEST_F(DoorTest, RefusedWritesAreNotDoneAndNoreplyStaysSilent) {
  start_with_master();
  TextClient administrator{node_, operators};
  administrator.send("set a 0 0 1 noreply\r\nx\r\nset b 0 0 9\r\nflush_all\r\nversion\r\n");
  EXPECT_TRUE(administrator.read_line().starts_with(denied));
  EXPECT_TRUE(administrator.read_line().starts_with("VERSION"));
  EXPECT_EQ(TextClient(node_, client).ask("get a b"), "END");
}

TEST_F(DoorTest, RefusalsAreLoggedAtALimitedRate) {
  cluster_.start();
  TextClient administrator{node_, operators};
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "get k\r\n";
  administrator.send(many);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(administrator.read_line().starts_with(denied));
  EXPECT_EQ(figure(node_, "server-port:refused_requests"), 2000U);
  const auto log = read_file(cluster_.log_of(node_));
  std::size_t lines = 0;
  for (auto at = log.find("request 'get' of 127.0.2.5"); at != std::string::npos;
       at = log.find("request 'get' of 127.0.2.5", at + 1)) {
    ++lines;
  }
  EXPECT_GE(lines, 1U);
  EXPECT_LT(lines, 100U);
}

TEST_F(DoorTest, HangupTakesConnectionsAndClassesAway) {
  cluster_.start();
  cluster_.make_master(0);
  for (const auto& daemon : {node_, index_}) {
    SCOPED_TRACE(key_of(daemon));
    TextClient former_operator{daemon, operators};
    TextClient former_both{daemon, "127.0.0.1"};
    ASSERT_TRUE(is_open(former_operator));
    EXPECT_TRUE(former_both.ask_all("show variables").size() > 1);

    auto config = read_file(cluster_.config_of(daemon));
    const std::string line = "admin-allow-from = 127.0.2.0/24,127.0.0.1";
    config.replace(config.find(line), line.size(), "admin-allow-from = none");
    write_file(cluster_.config_of(daemon), config);
    auto& process = daemon.port == node_.port ? cluster_.node_process(0) : cluster_.index_process();
    process.send(SIGHUP);

    EXPECT_TRUE(former_operator.closed_by_peer());
    // Each worker takes the new lists when it comes to it: this connection may be another's.
    const std::vector<std::string> refusal{"CLIENT_ERROR access denied (class admin needed)"};
    EXPECT_TRUE(eventually([&] { return former_both.ask_all("show variables") == refusal; }));
    EXPECT_TRUE(is_open(former_both)) << "it is a node still";
    TextClient too_late{daemon, operators};
    EXPECT_EQ(too_late.read_line(), denied + "this address is not allowed here)");
    EXPECT_TRUE(too_late.closed_by_peer());
    EXPECT_EQ(figure(daemon, "server-port:closed_by_new_lists"), 1U);
  }
}

class OpenDoorTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }
  static std::size_t count(const std::string& text, const std::string& word) {
    std::size_t found = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  }
};

TEST_F(OpenDoorTest, WithoutListsTheStartSaysOnceThatAllIsOpen) {
  TempDir folder;
  Cluster cluster{{.folder = folder.path(), .nodes = {{"127.0.0.1", 12121}}}};
  cluster.start();
  cluster.make_master(0);
  for (const auto& daemon : {cluster.node(0), cluster.index()}) {
    EXPECT_EQ(count(read_file(cluster.log_of(daemon)), "open to everybody who can reach it: server-port (port "), 1U);
  }
}

}  // namespace
}  // namespace flare::test
