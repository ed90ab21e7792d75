// docs/security.md: every command at every door, from every kind of peer, against real daemons.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>
#include <functional>
#include <set>

#include "common/protocol/command_class.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using enum AccessClass;

const std::string client = "127.0.1.5";
const std::string other_node = "127.0.3.5";
const std::string operators = "127.0.2.5";
const std::string stranger = "127.0.9.9";
const std::string denied = "CLIENT_ERROR access denied (";

struct CommandRow {
  std::string name;  // as name_of tells it
  std::string sent;
  AccessClasses needed;  // one of them is enough
};

// The lists are written out here by hand: a class that is changed in the code alone fails this test.
const std::vector<CommandRow> at_flared{
    {"get", "get k", read | data | cluster},
    {"gets", "gets k", read | data | cluster},
    {"set", "set k 0 0 3\r\nabc", data | cluster},
    {"add", "add k 0 0 3\r\nabc", data | cluster},
    {"replace", "replace k 0 0 3\r\nabc", data | cluster},
    {"append", "append k 0 0 3\r\nabc", data | cluster},
    {"prepend", "prepend k 0 0 3\r\nabc", data | cluster},
    {"cas", "cas k 0 0 3 7\r\nabc", data | cluster},
    {"incr", "incr n 1", data | cluster},
    {"decr", "decr n 1", data | cluster},
    {"delete", "delete gone", data | cluster},
    {"touch", "touch k 1000", data | cluster},
    {"gat", "gat 1000 k", data | cluster},
    {"set", "<127.0.0.1:1>set k 0 0 3\r\nabc", cluster},  // a proxy prefix is a word among nodes
    {"get", "<127.0.0.1:1>get k", cluster},
    {"item", "mg k v", read | data | cluster},
    {"item", "ms k 3\r\nabc", data | cluster},
    {"item", "me k", read | data | cluster},
    {"item", "mg k v T60", data | cluster},
    {"item", "<127.0.0.1:1>mg k v", cluster},
    {"flush_all", "flush_all", admin},
    {"noop", "mn", AccessClasses::all()},
    {"stats", "stats", AccessClasses::all()},
    {"stats", "stats doors", AccessClasses::all()},
    {"version", "version", AccessClasses::all()},
    {"verbosity", "verbosity 1", AccessClasses::all()},
    {"ping", "ping", AccessClasses::all()},
    {"quit", "quit", AccessClasses::all()},
    {"dump", "dump", cluster | admin},
    {"dump_key", "dump_key", cluster | admin},
    {"kill", "kill 999999", admin},
    {"salvage acknowledge", "salvage acknowledge", admin},
    {"set", "<restore>set k 0 0 3\r\nabc", cluster},
    {"show variables", "show variables", admin},
    {"node sync", "node sync 1\r\nEND", cluster},  // an old version: ignored
    {"position", "position 7 1", cluster},         // of a partition that it has not
    {"repl", "repl nonsense", cluster},
    {"hello", "hello nonsense", cluster},
};

const std::vector<CommandRow> at_flarei{
    {"hello", "hello nonsense", cluster},
    {"ping", "ping", AccessClasses::all()},
    {"stats", "stats nodes", AccessClasses::all()},
    {"meta", "meta", AccessClasses::all()},
    {"verbosity", "verbosity 1", AccessClasses::all()},
    {"version", "version", AccessClasses::all()},
    {"quit", "quit", AccessClasses::all()},
    {"node insync", "node insync 127.0.0.7 7 1 1", cluster},
    {"node offer", "node offer 0 127.0.0.7 7", cluster},
    {"node adopt", "node adopt 7", admin},
    {"node add", "node add 127.0.0.1 12121", cluster | admin},  // serves: not added again
    {"node state", "node state 127.0.0.7 7 active", cluster | admin},
    {"shutdown", "shutdown 127.0.0.7 7", cluster | admin},
    {"node role", "node role 127.0.0.7 7 slave 1 0", admin},
    {"node remove", "node remove 127.0.0.7 7", admin},
    {"kill", "kill 999999", admin},
    {"show variables", "show variables", admin},
};

// One way in.
struct Way {
  std::string name;
  std::function<TextClient()> connect;
  AccessClasses granted;
};

bool is_open(TextClient& connection) { return connection.ask("version").starts_with("VERSION "); }

class DoorTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // The test itself (127.0.0.1) is node and operator: it makes the cluster.
  std::vector<std::string> lines_of(const std::string& daemon, int web_port) const {
    const auto port = [&](int offset) { return std::to_string(web_port + offset); };
    return {"client-allow-from = 127.0.1.0/24, unix",
            "cluster-allow-from = 127.0.0.1, 127.0.3.0/24",
            "admin-allow-from = 127.0.2.0/24,127.0.0.1",
            "server-socket = " + socket_of(daemon),
            "door.web.port = " + port(0),
            "door.web.bind = 127.0.0.1, ::1",
            "door.web.allow = 127.0.1.0/24",
            "door.web.classes = data",
            "door.ops.port = " + port(1),
            "door.ops.classes = cluster, admin",
            "door.ops.allow = 127.0.2.5, 127.0.9.9"};
  }
  std::string socket_of(const std::string& daemon) const { return (folder_ / (daemon + ".sock")).string(); }

  std::vector<Way> ways_to(const Address& daemon, const std::string& name, std::uint16_t web_port) const {
    const auto from = [](Address to, const std::string& source) {
      return [to, source] { return TextClient{to, source}; };
    };
    const Address web{"127.0.0.1", web_port};
    const Address ops{"127.0.0.1", static_cast<std::uint16_t>(web_port + 1)};
    return {
        {"client at server-port", from(daemon, client), read | data},
        {"node at server-port", from(daemon, other_node), cluster},
        {"operator at server-port", from(daemon, operators), admin},
        {"node and operator at server-port", from(daemon, "127.0.0.1"), cluster | admin},
        {"stranger at server-port", from(daemon, stranger), {}},
        {"unix socket", [path = socket_of(name)] { return TextClient{path}; }, read | data},
        {"client at web", from(web, client), read | data},
        {"operator at web", from(web, operators), {}},
        {"node at web", from(web, other_node), {}},
        {"operator at ops", from(ops, operators), cluster | admin},
        {"stranger at ops", from(ops, stranger), cluster | admin},
        {"client at ops", from(ops, client), {}},
    };
  }

  void start_with_master() {
    cluster_.start();
    cluster_.make_master(0);
    const auto leads = [&] { return TextClient{node_, client}.ask("delete nothing") == "NOT_FOUND"; };
    ASSERT_TRUE(eventually(leads)) << "the map is the index's: the node follows a moment later";
  }

  static void expect_refused(const Way& way) {
    auto connection = way.connect();
    EXPECT_EQ(connection.read_line(), "CLIENT_ERROR access denied (this address is not allowed here)") << way.name;
    EXPECT_TRUE(connection.closed_by_peer()) << way.name;
  }

  static void expect_judged(const Way& way, const CommandRow& command) {
    SCOPED_TRACE(command.sent + " by " + way.name);
    auto connection = way.connect();
    connection.send(command.sent + "\r\n");
    if (command.name == "quit") {
      EXPECT_TRUE(connection.closed_by_peer());
      return;
    }
    const auto line = connection.read_line();
    if (way.granted.has_any_of(command.needed)) {
      EXPECT_FALSE(line.starts_with(denied)) << line;
      return;
    }
    EXPECT_EQ(line, denied + "class " + std::string{to_text(command.needed)} + " needed)");
    EXPECT_TRUE(is_open(connection)) << "the payload of a refused request was taken for requests";
  }

  static void expect_table(const std::vector<Way>& ways, const std::vector<CommandRow>& commands) {
    for (const auto& way : ways) {
      if (way.granted.empty()) {
        expect_refused(way);
        continue;
      }
      for (const auto& command : commands) expect_judged(way, command);
    }
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
                    .index_lines = lines_of("flarei", 13001),
                    .node_lines = lines_of("flared", 13101)}};
};

template <class AnyCommand>
std::set<std::string> all_names() {
  std::set<std::string> names;
  for (int i = 0; i < 256; ++i) {
    if (const auto name = name_of(static_cast<AnyCommand>(i)); !name.empty()) names.emplace(name);
  }
  return names;
}

std::set<std::string> names_in(const std::vector<CommandRow>& rows) {
  std::set<std::string> names;
  for (const auto& row : rows) names.insert(row.name);
  return names;
}

TEST(DoorTable, HasEveryCommandOfBothDaemons) {
  EXPECT_EQ(names_in(at_flared), all_names<flare::Command>());
  EXPECT_EQ(names_in(at_flarei), all_names<IndexCommand>());
}

TEST_F(DoorTest, EveryCommandAtEveryDoorOfFlaredNeedsItsClass) {
  start_with_master();
  const auto ways = ways_to(node_, "flared", 13101);
  expect_table(ways, at_flared);
  EXPECT_TRUE(cluster_.node_process(0).running());
  EXPECT_GT(figure(node_, "server-port:refused_requests"), 20U);
  EXPECT_EQ(figure(node_, "server-port:refused_connections"), 1U);
  EXPECT_EQ(figure(node_, "web:refused_connections"), 2U);
  EXPECT_EQ(ask_stat(node_, "stats doors", "ops:classes"), "cluster,admin");
  const auto log = read_file(cluster_.log_of(node_));
  EXPECT_NE(log.find("of 127.0.9.9:"), std::string::npos) << "the refused peer is not named";
  EXPECT_NE(log.find("refused at door server-port"), std::string::npos);
  EXPECT_EQ(log.find("open to everybody"), std::string::npos) << "no door is";
}

TEST_F(DoorTest, EveryCommandAtEveryDoorOfFlareiNeedsItsClass) {
  cluster_.start();
  const auto before = cluster_.map();
  expect_table(ways_to(index_, "flarei", 13001), at_flarei);
  EXPECT_EQ(cluster_.map(), before);
  EXPECT_GT(figure(index_, "server-port:refused_requests"), 5U);
  EXPECT_EQ(figure(index_, "ops:refused_connections"), 1U);
}

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
    expect_refused({"operator at server-port", [&] { return TextClient{daemon, operators}; }, {}});
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

TEST_F(OpenDoorTest, WithoutListsAllIsOpenAndTheStartSaysSoOnce) {
  TempDir folder;
  Cluster cluster{{.folder = folder.path(), .nodes = {{"127.0.0.1", 12121}}}};
  cluster.start();
  cluster.make_master(0);
  for (const auto& command : at_flared) {
    if (command.name == "quit" || command.name == "repl") continue;
    EXPECT_FALSE(TextClient(cluster.node(0), stranger).ask(command.sent).starts_with(denied)) << command.sent;
  }
  for (const auto& daemon : {cluster.node(0), cluster.index()}) {
    EXPECT_EQ(count(read_file(cluster.log_of(daemon)), "open to everybody who can reach it: server-port (port "), 1U);
  }
}

}  // namespace
}  // namespace flare::test
