#include "flarei/index_session.h"

#include <gmock/gmock.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "common/base/clock.h"
#include "common/net/listener.h"
#include "unit/flarei/fixtures.h"
#include "unit/flarei/scripted_peer.h"

namespace flare::test {
namespace {

/// `> ` lines to send at once, the `< ` lines that answer them, and the comment lines before.
struct Exchange {
  std::vector<std::string> comments;
  std::string sent;
  std::string answer;
};

std::vector<Exchange> read_golden(const std::string& name) {
  std::ifstream file{std::string{FLARE_GOLDEN_DIR} + '/' + name};
  EXPECT_TRUE(file) << name;
  std::vector<Exchange> exchanges;
  Exchange next;
  const auto flush = [&] {
    if (!next.sent.empty()) exchanges.push_back(std::exchange(next, {}));
  };
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("> ")) {
      if (!next.answer.empty()) flush();
      next.sent += line.substr(2) + "\r\n";
    } else if (line.starts_with("< ")) {
      next.answer += line.substr(2) + "\r\n";
    } else if (line.starts_with("#")) {
      if (line != "# no answer" && line != "# closed") flush();
      next.comments.push_back(line);
    } else {
      flush();
    }
  }
  flush();
  return exchanges;
}

/// flarei's session logic over a real socket, without any node; the deeds of nodes are played by the test.
class Session : public testing::Test {
 protected:
  Session() {
    options_.server_name = "127.0.0.1";
    options_.data_dir = "/data";
    options_.pid_path = "/data/flarei.pid";
    sessions_.change_limits({4, std::chrono::seconds{60}});
    index_.publish_to(monitors_);
    EXPECT_TRUE(listen());
  }
  ~Session() override {
    listener_.stop();
    sessions_.stop();
    monitors_.stop();
    run_for(context_, std::chrono::milliseconds{20});
  }

  bool listen() {
    for (int attempt = 0; attempt < 100; ++attempt) {
      port_ = free_port();
      if (!listener_.listen_tcp("127.0.0.1", port_, 16)) continue;
      listener_.start([this](int descriptor, std::string peer) {
        accept_session(context_.get_executor(), descriptor, std::move(peer), service_, sessions_, log_);
      });
      return true;
    }
    return false;
  }

  static int free_port() {
    asio::io_context context;
    asio::ip::tcp::acceptor probe{context, {asio::ip::make_address("127.0.0.1"), 0}};
    return probe.local_endpoint().port();
  }

  std::unique_ptr<asio::ip::tcp::socket> connect() {
    auto socket = std::make_unique<asio::ip::tcp::socket>(context_);
    socket->connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port_)});
    socket->non_blocking(true);
    return socket;
  }

  /// Everything that comes until `enough`, or the end of the connection, which `closed` tells.
  std::string receive(asio::ip::tcp::socket& socket, std::size_t bytes, bool* closed = nullptr) {
    std::string got;
    bool end = false;
    run_until(context_, [&] {
      char block[65536];
      error_code error;
      const auto n = socket.read_some(asio::buffer(block), error);
      got.append(block, n);
      end = error && error != asio::error::would_block;
      return end || (bytes > 0 && got.size() >= bytes);
    });
    if (closed) *closed = end;
    return got;
  }

  /// The whole answer: a `quit` behind the request ends the connection.
  std::string ask(const std::string& request) {
    const auto socket = connect();
    asio::write(*socket, asio::buffer(request + "quit\r\n"));
    return receive(*socket, 0);
  }

  void probe_succeeds_everywhere() {
    const auto nodes = index_.map().nodes;
    for (const auto& [key, node] : nodes) {
      if (node.state != State::down) continue;
      EXPECT_TRUE(index_.mark_up(key, true, "a good probe"));
    }
  }
  void slaves_finish() {
    const auto nodes = index_.map().nodes;
    for (const auto& [key, node] : nodes) {
      if (node.role != Role::slave || node.state != State::prepare) continue;
      EXPECT_TRUE(index_.mark_up(key, true, "test"));
    }
  }

  asio::io_context context_{1};
  MemoryStore store_;
  MemoryLog log_;
  SystemClock clock_;
  FlareiOptions options_;
  ThreadNumbers numbers_;
  Index index_{NodeMap{}, 1023, store_, log_};
  NodeMonitors monitors_{context_.get_executor(), index_,
                         MonitorSettings{1000, std::chrono::seconds{60}, std::chrono::seconds{1}, ""}, numbers_, log_};
  SessionTable sessions_{context_.get_executor(), numbers_};
  IndexService service_{index_, monitors_, sessions_, options_, clock_};
  Listener listener_{context_.get_executor()};
  int port_ = 0;
};

bool mentions(const Exchange& exchange, std::string_view text) {
  for (const auto& comment : exchange.comments) {
    if (comment.find(text) != std::string::npos) return true;
  }
  return false;
}

// docs/compatibility.md: VERSION 2.0.0 in place of flare-1.3.4 (docs/design.md 1).
std::string as_ours(std::string answer) {
  if (answer == "VERSION flare-1.3.4\r\n") answer = "VERSION 2.0.0\r\n";
  return answer;
}

TEST_F(Session, AnswersTheGoldenAdminTranscript) {
  int replayed = 0;
  int answers_until_up = 0;  // after `node state down` on a healthy node
  for (const auto& exchange : read_golden("cluster-flarei-admin.txt")) {
    // What nodes and monitors did in the recording.
    if (mentions(exchange, "after 3 failed probes")) {
      EXPECT_TRUE(index_.mark_down(NodeKey{"127.0.0.1", 21999}, "test"));
    }
    if (mentions(exchange, "thread_type continues")) {
      for (const int port : {21121, 21122, 21123, 21124}) EXPECT_TRUE(index_.add("127.0.0.1", port));
    }
    if (mentions(exchange, "map now")) slaves_finish();
    if (mentions(exchange, "after its dumps")) {
      EXPECT_TRUE(index_.mark_ready(NodeKey{"127.0.0.1", 21123}));
    }
    if (answers_until_up > 0 && --answers_until_up == 0) probe_succeeds_everywhere();
    if (mentions(exchange, "on a healthy slave")) answers_until_up = 1;
    if (mentions(exchange, "on the only master")) answers_until_up = 2;
    if (exchange.sent == "dump_key 1 2\r\n" || exchange.sent == "stats\r\n") continue;  // sent to a node; see below
    EXPECT_EQ(ask(exchange.sent), as_ours(exchange.answer)) << exchange.sent;
    replayed += 1;
  }
  EXPECT_GE(replayed, 65);
  EXPECT_THAT(ask("stats\r\n"), testing::HasSubstr("STAT node_map_version 26\r\n"));
}

// A golden answer with placeholders as a regular expression.
std::regex pattern_of(const std::string& answer) {
  static const std::map<std::string, std::string> placeholders{
      {"<num>", "[0-9]+"},        {"<float>", "[0-9]+\\.[0-9]{6}"},
      {"<id>", "[0-9]+"},         {"<peer>", "[^ \r\n]*:[0-9]+"},
      {"<S>", "127\\.0\\.0\\.1"}, {"<P>", "[0-9]+"},
      {"<data-dir>", "/data"}};
  std::string pattern;
  for (std::size_t at = 0; at < answer.size();) {
    const auto end = answer[at] == '<' ? answer.find('>', at) : std::string::npos;
    const auto found =
        end == std::string::npos ? placeholders.end() : placeholders.find(answer.substr(at, end + 1 - at));
    if (found != placeholders.end()) {
      pattern += found->second;
      at = end + 1;
    } else {
      if (std::string_view{"\\^$.|?*+()[]{}"}.find(answer[at]) != std::string_view::npos) pattern += '\\';
      pattern += answer[at++];
    }
  }
  return std::regex{pattern};
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

TEST_F(Session, AnswersTheGoldenIndexTranscript) {
  ScriptedPeer node{context_};
  const NodeKey key{node.name(), node.port()};
  ASSERT_TRUE(index_.add(node.name(), node.port()));
  ASSERT_TRUE(index_.change_role({key, Role::master, 1, PartitionId{0}, false}));
  ASSERT_TRUE(run_until(context_, [&] { return !node.maps().empty() && !monitors_.find(key)->behind_since(); }));
  options_.monitor_interval = std::chrono::seconds{1};
  service_.change_options(options_);
  const std::set<std::string> elsewhere{"stats threads\r\n", "quit\r\n"};  // other threads here; below
  int replayed = 0;
  for (const auto& exchange : read_golden("protocol-index.txt")) {
    if (elsewhere.contains(exchange.sent) || exchange.sent.starts_with('[')) continue;
    auto expected = as_ours(exchange.answer);
    expected = replaced(expected, "STAT version 1.3.4\r\n", "STAT version 2.0.0\r\n");
    expected = replaced(expected, "max_connection:           128\r\n", "max_connection:           10000\r\n");
    const auto answer = ask(exchange.sent);
    EXPECT_TRUE(std::regex_match(answer, pattern_of(expected))) << exchange.sent << answer;
    replayed += 1;
  }
  EXPECT_GE(replayed, 25);
}

TEST_F(Session, ShowsEachMonitorInStatsThreads) {
  ASSERT_TRUE(index_.add("127.0.0.1", 21121));
  const std::regex rows{
      "(STAT [0-9]+:type 1\r\nSTAT [0-9]+:peer 127\\.0\\.0\\.1:[0-9]+\r\nSTAT [0-9]+:op stats\r\n"
      "STAT [0-9]+:uptime 0\r\nSTAT [0-9]+:state execute\r\nSTAT [0-9]+:info \r\nSTAT [0-9]+:queue 0\r\n"
      "STAT [0-9]+:behind 0\r\n)"
      "STAT [0-9]+:type 16\r\nSTAT [0-9]+:peer 127\\.0\\.0\\.1:21121\r\nSTAT [0-9]+:op \r\nSTAT [0-9]+:uptime 0\r\n"
      "STAT [0-9]+:state wait\r\nSTAT [0-9]+:info \r\nSTAT [0-9]+:queue [01]\r\nSTAT [0-9]+:behind 0\r\nEND\r\n"};
  const auto answer = ask("stats threads\r\n");
  EXPECT_TRUE(std::regex_match(answer, rows)) << answer;
}

TEST_F(Session, ClosesAtABinaryRequest) {
  const auto socket = connect();
  asio::write(*socket, asio::buffer(std::string("\x80\x0a\0\0", 4)));
  bool closed = false;
  EXPECT_EQ(receive(*socket, 0, &closed), "");
  EXPECT_TRUE(closed);
}

TEST_F(Session, AnswersPipelinedRequestsInOrderWithAnyLineEnd) {
  EXPECT_EQ(ask("ping\nversion\r\nbogus\nping\r\n"), "OK\r\nVERSION 2.0.0\r\nERROR\r\nOK\r\n");
}

TEST_F(Session, AnswersALineThatComesInPieces) {
  const auto socket = connect();
  for (const char byte : std::string{"ping\r\n"}) {
    asio::write(*socket, asio::buffer(&byte, 1));
    run_for(context_, std::chrono::milliseconds{2});
  }
  EXPECT_EQ(receive(*socket, 4), "OK\r\n");
}

TEST_F(Session, RefusesALineWithoutEnd) {
  const auto socket = connect();
  std::string line(70'000, 'x');
  error_code ignored;
  asio::write(*socket, asio::buffer(line), ignored);
  bool closed = false;
  EXPECT_EQ(receive(*socket, 0, &closed), "CLIENT_ERROR line too long\r\n");
  EXPECT_TRUE(closed);
}

TEST_F(Session, RefusesMoreConnectionsThanAllowed) {
  std::vector<std::unique_ptr<asio::ip::tcp::socket>> open;
  for (int count = 0; count < 4; ++count) open.push_back(connect());
  ASSERT_TRUE(run_until(context_, [&] { return sessions_.size() == 4; }));
  bool closed = false;
  EXPECT_EQ(receive(*connect(), 0, &closed), "ERROR Too many open connections\r\n");
  EXPECT_TRUE(closed);
  open.pop_back();
  ASSERT_TRUE(run_until(context_, [&] { return sessions_.size() == 3; }));
  EXPECT_EQ(ask("ping\r\n"), "OK\r\n");
}

TEST_F(Session, ClosesAnIdleConnection) {
  sessions_.change_limits({4, std::chrono::seconds{1}});
  sessions_.start();
  bool closed = false;
  EXPECT_EQ(receive(*connect(), 0, &closed), "");
  EXPECT_TRUE(closed);
}

TEST_F(Session, KillsAnotherSession) {
  const auto socket = connect();
  ASSERT_TRUE(run_until(context_, [&] { return sessions_.size() == 1; }));
  std::string rows;
  sessions_.append_rows(rows, clock_.steady());
  const auto number = rows.substr(5, rows.find(':') - 5);
  EXPECT_EQ(ask("kill " + number + "\r\n"), "OK\r\n");
  bool closed = false;
  EXPECT_EQ(receive(*socket, 0, &closed), "");
  EXPECT_TRUE(closed);
}

TEST_F(Session, StopsReadingFromAClientThatDoesNotTakeItsAnswers) {
  const auto socket = connect();
  error_code error;
  std::string requests;
  for (int count = 0; count < 1000; ++count) requests += "stats\r\n";
  std::size_t sent = 0;
  run_until(
      context_,
      [&] {
        const auto n = socket->write_some(asio::buffer(requests), error);
        sent += n;
        return sent > 64 * 1024 * 1024;
      },
      std::chrono::seconds{2});
  EXPECT_LT(sent, 32U * 1024 * 1024);
}

TEST_F(Session, TakesAPreservedPartitionOverOnlyWithForce) {
  ASSERT_TRUE(index_.add("h", 1));
  ASSERT_TRUE(index_.add("h", 2));
  EXPECT_EQ(ask("node role h 1 master 1 0\r\nnode state h 1 down\r\n"), "OK\r\nOK\r\n");
  EXPECT_EQ(ask("node role h 2 master 1 0\r\n"), "SERVER_ERROR failed to set role (and balance)\r\n");
  EXPECT_EQ(ask("node role h 2 master 1 0 force\r\n"), "OK\r\n");
}

TEST_F(Session, ActivatesASlaveAfterItsMastersConfirmation) {
  ASSERT_TRUE(index_.add("h", 1));
  ASSERT_TRUE(index_.add("h", 2));
  EXPECT_EQ(ask("node role h 1 master 1 0\r\nnode role h 2 slave 0 0\r\n"), "OK\r\nOK\r\n");
  EXPECT_EQ(ask("node state h 2 active\r\n"), "SERVER_ERROR failed to set state\r\n");
  EXPECT_EQ(ask("node insync h 2 2 1\r\n"), "SERVER_ERROR failed to set state\r\n");
  EXPECT_EQ(ask("node insync h 2 3 1\r\n"), "OK\r\n");
  EXPECT_EQ(ask("node state h 2 active\r\n"), "OK\r\n");
  EXPECT_EQ(ask("node insync h 1 5 1\r\n"), "SERVER_ERROR failed to set state\r\n");
}

TEST_F(Session, SaysSoWhenAMapCannotBeStored) {
  store_.fails = true;
  EXPECT_EQ(ask("node add h 1\r\n"), "SERVER_ERROR failed to add node\r\n");
  EXPECT_EQ(ask("stats nodes\r\n"), "END\r\n");
}

}  // namespace
}  // namespace flare::test
