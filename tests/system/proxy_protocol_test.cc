// docs/security.md, PROXY protocol: real daemons behind a load balancer that the test plays.
#include <gtest/gtest.h>

#include <csignal>
#include <deque>

#include "common/protocol/command_class.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/proxy_headers.h"
#include "support/raw_client.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using enum AccessClass;

const std::string balancer = "127.0.5.1";        // in no list but proxy-protocol-from
const std::string known_balancer = "127.0.5.2";  // its own address is a client's as well
const std::string direct_client = "127.0.1.5";   // comes without a balancer
const std::string denied = "CLIENT_ERROR access denied (";
const std::string not_allowed = denied + "this address is not allowed here)";
const std::string header_needed = denied + "a PROXY protocol header of version 2 is needed from this address)";
const std::string stray_header = denied + "a PROXY protocol header from an address that is not in proxy-protocol-from)";

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

bool is_open(TextClient& connection) { return connection.ask("version").starts_with("VERSION "); }

class ProxyProtocolTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // The test itself (127.0.0.1) is node and operator: it makes the cluster.
  static std::vector<std::string> lines_of(int web_port) {
    return {"client-allow-from = 10.1.0.0/16, 2001:db8:1::/48, 127.0.1.0/24, 127.0.5.2",
            "cluster-allow-from = 127.0.0.1, 10.3.0.0/16",
            "admin-allow-from = 10.2.0.0/16, 127.0.0.1",
            "proxy-protocol-from = 127.0.5.0/24",
            "door.web.port = " + std::to_string(web_port),
            "door.web.allow = 10.1.0.0/16",
            "door.web.classes = data"};
  }

  void start_with_master() {
    cluster_.start();
    cluster_.make_master(0);
    const auto leads = [&] { return TextClient{node_, direct_client}.ask("delete nothing") == "NOT_FOUND"; };
    ASSERT_TRUE(eventually(leads)) << "the map is the index's: the node follows a moment later";
  }

  // By the balancer; what is sent behind the header is the caller's.
  static TextClient behind(const Address& daemon, const std::string& header, const std::string& from = balancer) {
    TextClient connection{daemon, from};
    connection.send(header);
    return connection;
  }

  static std::uint64_t figure(const Address& daemon, const std::string& name) {
    return std::stoull(ask_stat(daemon, "stats doors", name));
  }

  void change_config(const Address& daemon, const std::string& line, const std::string& other) {
    auto config = read_file(cluster_.config_of(daemon));
    const auto at = config.find(line);
    ASSERT_NE(at, std::string::npos);
    write_file(cluster_.config_of(daemon), config.replace(at, line.size(), other));
    (daemon.port == node_.port ? cluster_.node_process(0) : cluster_.index_process()).send(SIGHUP);
  }

  TempDir folder_;
  const Address node_{"127.0.0.1", 12121};
  const Address index_{"127.0.0.1", 12120};
  const Address web_{"127.0.0.1", 13101};
  Cluster cluster_{{.folder = folder_.path(),
                    .index = index_,
                    .nodes = {node_},
                    .index_lines = lines_of(13001),
                    .node_lines = lines_of(13101)}};
};

struct Told {
  std::string name;
  std::string header;
  std::string from;
  AccessClasses granted;
};

const std::vector<Told> told_addresses{
    {"a client", proxy_for("10.1.0.5"), balancer, data},
    {"a node", proxy_for("10.3.0.5"), balancer, cluster},
    {"an operator", proxy_for("10.2.0.5"), balancer, admin},
    {"a client by IPv6", proxy_for("2001:db8:1::5"), balancer, data},
    {"a client in IPv6 clothes", proxy_for("::ffff:10.1.0.5"), balancer, data},
    {"a client with extensions", proxy_for("10.1.0.5", 1, proxy_extension(4, std::string(300, 'x'))), balancer, data},
    {"a stranger", proxy_for("10.9.9.9"), balancer, {}},
    {"a stranger by IPv6", proxy_for("2001:db8:2::5"), balancer, {}},
    {"a stranger by a known balancer", proxy_for("10.9.9.9"), known_balancer, {}},
    {"the balancer itself", proxy_for_itself(), balancer, {}},
    {"a known balancer itself", proxy_for_itself(), known_balancer, data},
    {"a unix socket of the balancer", proxy_for_unix_socket(), balancer, {}},
    {"a unix socket of a known balancer", proxy_for_unix_socket(), known_balancer, data},
};

struct Probe {
  std::string request;
  AccessClasses needed;
};

TEST_F(ProxyProtocolTest, TheToldAddressIsJudgedForEachClassAtBothDaemons) {
  start_with_master();
  const std::vector<std::pair<Address, std::vector<Probe>>> daemons{
      {node_, {{"get k", data | cluster}, {"position 7 1", cluster}, {"flush_all", admin}, {"ping", {}}}},
      {index_, {{"node insync 127.0.0.7 7 1 1", cluster}, {"show variables", admin}, {"ping", {}}}}};
  for (const auto& [daemon, probes] : daemons) {
    for (const auto& told : told_addresses) {
      for (const auto& probe : probes) {
        SCOPED_TRACE(key_of(daemon) + ": " + probe.request + " by " + told.name);
        auto connection = behind(daemon, told.header, told.from);
        if (told.granted.empty()) {
          EXPECT_EQ(connection.read_line(), not_allowed);
          EXPECT_TRUE(connection.closed_by_peer());
          break;
        }
        const auto answer = connection.ask(probe.request);
        const bool allowed = probe.needed.empty() || told.granted.has_any_of(probe.needed);
        EXPECT_EQ(answer.starts_with(denied), !allowed) << answer;
      }
    }
  }
  EXPECT_EQ(TextClient(node_, direct_client).ask("get k"), "END") << "the others come as before";
  EXPECT_EQ(behind(web_, proxy_for("10.1.0.5")).ask("get k"), "END") << "named doors believe it as well";
  EXPECT_EQ(behind(web_, proxy_for("10.2.0.5")).read_line(), not_allowed);
  EXPECT_EQ(figure(node_, "server-port:refused_headers"), 0U);
  EXPECT_EQ(figure(node_, "web:proxied"), 1U);
}

TEST_F(ProxyProtocolTest, LogsAndStatsNameTheClient) {
  start_with_master();
  auto client = behind(node_, proxy_for("10.1.0.5", 4711));
  ASSERT_TRUE(is_open(client));
  auto administrator = behind(node_, proxy_for("10.2.0.5", 4712));
  administrator.send("stats conns\r\n");
  std::string connections;
  for (const auto& line : administrator.read_until_end()) connections += line + "\n";
  EXPECT_NE(connections.find("10.1.0.5:4711"), std::string::npos) << connections;
  EXPECT_NE(connections.find("10.2.0.5:4712"), std::string::npos) << connections;
  EXPECT_EQ(connections.find(balancer), std::string::npos) << connections;

  EXPECT_TRUE(client.ask("flush_all").starts_with(denied));
  auto stranger = behind(node_, proxy_for("10.9.9.9", 4713));
  EXPECT_EQ(stranger.read_line(), not_allowed);
  const auto logs = [&](const std::string& text) {
    return eventually([&] { return read_file(cluster_.log_of(node_)).find(text) != std::string::npos; });
  };
  EXPECT_TRUE(logs("request 'flush_all' of 10.1.0.5:4711 refused"));
  EXPECT_TRUE(logs("connection of 10.9.9.9:4713 by the balancer 127.0.5.1:")) << "it is told before it is logged";
}

TEST_F(ProxyProtocolTest, WrongHeadersAreRefusedAndNothingBehindThemIsDone) {
  const std::vector<std::string> wrong{
      "PROXY TCP4 10.1.0.5 10.1.0.1 4711 12121\r\n",  // the first one of each daemon is logged
      "",                                             // what stands behind it is a request
      "\r\n",
      proxy_header(0x11, 0x11, proxied_addresses("10.1.0.5", 1)),
      proxy_header(0x2f, 0x11, proxied_addresses("10.1.0.5", 1)),
      proxy_header(0x21, 0x12, proxied_addresses("10.1.0.5", 1)),
      proxy_header(0x21, 0x00, ""),
      proxy_header(0x21, 0x11, "short"),
      proxy_for("10.1.0.5", 1, std::string(600, 'x')),
      proxy_for("10.1.0.5", 1, "xx"),
      proxy_for("10.1.0.5", 1, proxy_extension(3, "xxxx")),
  };
  start_with_master();
  for (const auto& daemon : {node_, index_}) {
    for (std::size_t i = 0; i < wrong.size(); ++i) {
      SCOPED_TRACE(key_of(daemon) + ", row " + std::to_string(i));
      auto connection = behind(daemon, wrong[i] + "set stolen 0 0 1\r\nx\r\n");
      EXPECT_EQ(connection.read_line(), header_needed);
      EXPECT_TRUE(connection.closed_by_peer());
    }
    EXPECT_EQ(figure(daemon, "server-port:refused_headers"), wrong.size());
    EXPECT_EQ(figure(daemon, "server-port:proxied"), 0U);
    const auto log = read_file(cluster_.log_of(daemon));
    EXPECT_NE(log.find("its PROXY protocol header is of version 1: let the balancer send version 2"), std::string::npos)
        << log;
    EXPECT_LT(count(log, "refused at door server-port"), wrong.size());
  }
  EXPECT_EQ(TextClient(node_, direct_client).ask("get stolen"), "END");
}

TEST_F(ProxyProtocolTest, BytesBehindTheHeaderBelongToTheSession) {
  start_with_master();
  const auto header = proxy_for("10.1.0.5", 4711, proxy_extension(4, std::string(100, '\n')));

  auto at_once = behind(node_, header + "set k 0 0 3\r\nabc\r\nget k\r\nmg k v\r\n");
  EXPECT_EQ(at_once.read_line(), "STORED");
  EXPECT_EQ(at_once.read_line(), "VALUE k 0 3");
  EXPECT_EQ(at_once.read_exactly(10), "abc\r\nEND\r\n");
  EXPECT_EQ(at_once.read_line(), "VA 3");
  EXPECT_EQ(at_once.read_line(), "abc");

  std::string many = header;
  for (int i = 0; i < 10'000; ++i) many += "get none\r\n";
  RawClient crowd{node_, balancer};
  EXPECT_EQ(crowd.send(many + "quit\r\n"), many.size() + 6);
  EXPECT_TRUE(crowd.reads_to_end());
  EXPECT_EQ(count(crowd.received(), "END\r\n"), 10'000U);

  TextClient slowly{node_, balancer};
  for (const char byte : header + "get k\r\n") slowly.send({&byte, 1});
  EXPECT_EQ(slowly.read_line(), "VALUE k 0 3");

  TextClient in_two{index_, balancer};
  in_two.send(header.substr(0, 20));
  in_two.send(header.substr(20) + "meta\r\nver");
  in_two.send("sion\r\n");
  EXPECT_EQ(in_two.read_until_end().back(), "END");
  EXPECT_TRUE(in_two.read_line().starts_with("VERSION "));

  TextClient binary{node_, balancer};
  binary.send(header + std::string{"\x80\x0a", 2} + std::string(22, '\0'));  // no-op
  EXPECT_EQ(binary.read_exactly(2), (std::string{"\x81\x0a", 2}));

  // A second one is no balancer's word any more.
  auto twice = behind(node_, header + header);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(twice.read_line(), "ERROR");
  EXPECT_EQ(twice.read_line(), stray_header);
  EXPECT_TRUE(twice.closed_by_peer());
}

TEST_F(ProxyProtocolTest, NobodyElseIsBelieved) {
  start_with_master();
  const auto forged = proxy_for("10.2.0.5") + "set stolen 0 0 1\r\nx\r\n";
  for (const auto& daemon : {node_, index_}) {
    SCOPED_TRACE(key_of(daemon));
    TextClient at_once{daemon, direct_client};
    at_once.send(forged);
    TextClient slowly{daemon, direct_client};
    for (const char byte : forged.substr(0, 12)) slowly.send({&byte, 1});
    for (auto* connection : {&at_once, &slowly}) {
      for (int i = 0; i < 3; ++i) EXPECT_EQ(connection->read_line(), "ERROR");
      EXPECT_EQ(connection->read_line(), stray_header);
      EXPECT_TRUE(connection->closed_by_peer());
    }
    for (int i = 0; i < 200; ++i) {
      TextClient one{daemon, direct_client};
      one.send(forged);
      EXPECT_TRUE(one.closed_by_peer());
    }
    EXPECT_EQ(figure(daemon, "server-port:refused_headers"), 202U);
    EXPECT_EQ(figure(daemon, "server-port:proxied"), 0U);
    const auto log = read_file(cluster_.log_of(daemon));
    const auto lines = count(log, "it sends a PROXY protocol header and is not in proxy-protocol-from");
    EXPECT_GE(lines, 1U);
    EXPECT_LT(lines, 50U);
    EXPECT_NE(log.find("connection of 127.0.1.5:"), std::string::npos);
  }
  EXPECT_EQ(TextClient(node_, direct_client).ask("get stolen"), "END");
}

// More than 256 that never tell their header: the oldest go at once, the others after 2 s, and nobody waits for them.
TEST_F(ProxyProtocolTest, SlowHeadersAreBoundedAndHoldNobodyUp) {
  constexpr std::size_t crowd_size = 300;  // more than the 256 that may wait
  start_with_master();
  for (const auto& daemon : {node_, index_}) {
    SCOPED_TRACE(key_of(daemon));
    auto early = behind(daemon, proxy_for("10.1.0.5"));
    ASSERT_TRUE(is_open(early));
    std::deque<TextClient> crowd;
    for (std::size_t i = 0; i < crowd_size; ++i) {
      crowd.emplace_back(daemon, balancer);
      if (i % 2 == 0) crowd.back().send(proxy_for("10.1.0.5").substr(0, 1 + i % 20));
    }
    TextClient direct{daemon, direct_client};
    EXPECT_TRUE(is_open(direct));
    EXPECT_TRUE(is_open(early));
    auto newest = behind(daemon, proxy_for("10.1.0.5"));
    EXPECT_TRUE(is_open(newest)) << "the newest comes in: the oldest went";
    for (std::size_t i = 0; i < crowd_size; ++i) EXPECT_TRUE(crowd[i].closed_by_peer()) << i;
    EXPECT_EQ(figure(daemon, "server-port:refused_headers"), crowd_size);
    EXPECT_EQ(figure(daemon, "server-port:proxied"), 2U);
    EXPECT_TRUE(is_open(newest)) << "its deadline was that of the header";
    EXPECT_TRUE(is_open(early));
    const auto log = read_file(cluster_.log_of(daemon));
    EXPECT_NE(log.find("256 newer connections"), std::string::npos) << log;
  }
}

TEST_F(ProxyProtocolTest, ALateHeaderIsRefusedAndLogged) {
  cluster_.start();
  auto silent = behind(node_, "");
  auto half = behind(index_, proxy_for("10.1.0.5").substr(0, 20));
  EXPECT_TRUE(silent.closed_by_peer());
  EXPECT_TRUE(half.closed_by_peer());
  for (const auto& daemon : {node_, index_}) {
    EXPECT_EQ(figure(daemon, "server-port:refused_headers"), 1U);
    EXPECT_EQ(count(read_file(cluster_.log_of(daemon)), "its PROXY protocol header did not come within 2 s"), 1U);
  }
}

// As load balancers do that look only whether a port is open.
TEST_F(ProxyProtocolTest, AConnectionThatOnlyOpensIsNoRefusal) {
  cluster_.start();
  for (const auto& daemon : {node_, index_}) {
    { TextClient probe{daemon, balancer}; }
    EXPECT_TRUE(eventually([&] { return figure(daemon, "server-port:left_before_header") == 1; }));
    EXPECT_EQ(figure(daemon, "server-port:refused_headers"), 0U);
  }
}

TEST_F(ProxyProtocolTest, HangupRenewsByTheToldAddressAndByWhoToldIt) {
  start_with_master();
  for (const auto& daemon : {node_, index_}) {
    SCOPED_TRACE(key_of(daemon));
    auto former_operator = behind(daemon, proxy_for("10.2.0.5"));
    auto client = behind(daemon, proxy_for("10.1.0.5"));
    ASSERT_TRUE(is_open(former_operator));
    ASSERT_TRUE(is_open(client));
    change_config(daemon, "admin-allow-from = 10.2.0.0/16, 127.0.0.1", "admin-allow-from = 127.0.0.1");
    EXPECT_TRUE(former_operator.closed_by_peer());
    EXPECT_TRUE(is_open(client));
    EXPECT_EQ(behind(daemon, proxy_for("10.2.0.5")).read_line(), not_allowed);

    change_config(daemon, "proxy-protocol-from = 127.0.5.0/24", "proxy-protocol-from = 127.0.5.9");
    EXPECT_TRUE(client.closed_by_peer()) << "nobody vouches for its address any more";
    EXPECT_EQ(behind(daemon, "").read_line(), not_allowed) << "its own address is judged now";
    TextClient plain{daemon, known_balancer};
    EXPECT_TRUE(is_open(plain));
    EXPECT_EQ(figure(daemon, "server-port:closed_by_new_lists"), 2U);
  }
}

}  // namespace
}  // namespace flare::test
