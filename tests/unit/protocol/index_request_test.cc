#include "common/protocol/index_request.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace flare {
namespace {

using std::string_literals::operator""s;

std::string node_text(const IndexRequest& request) {
  return std::string{request.server_name} + ':' + std::to_string(request.port);
}

std::string text_of(const IndexRequest& request) {
  switch (request.command) {
    case IndexCommand::ping:
      return "ping";
    case IndexCommand::stats:
      return "stats " + std::to_string(static_cast<int>(request.topic));
    case IndexCommand::node_add:
      return "add " + node_text(request);
    case IndexCommand::node_role:
      return "role " + node_text(request) + ' ' + std::string{to_text(request.role)} + ' ' +
             std::to_string(request.balance) + ' ' + std::to_string(raw(request.partition)) +
             (request.force ? " force" : "");
    case IndexCommand::node_state:
      return "state " + node_text(request) + ' ' + std::string{to_text(request.state)};
    case IndexCommand::node_remove:
      return "remove " + node_text(request);
    case IndexCommand::node_insync:
      return "insync " + node_text(request) + ' ' + std::to_string(raw(request.epoch)) +
             (request.in_sync ? " 1" : " 0");
    case IndexCommand::node_offer:
      return "offer " + node_text(request) + ' ' + std::to_string(raw(request.map_version));
    case IndexCommand::node_adopt:
      return request.empty ? "adopt empty" : "adopt " + std::to_string(raw(request.map_version));
    case IndexCommand::kill:
      return "kill " + std::to_string(request.kill_id);
    case IndexCommand::quit:
      return "quit";
    case IndexCommand::meta:
      return "meta";
    case IndexCommand::verbosity:
      return request.noreply ? "verbosity noreply" : "verbosity";
    case IndexCommand::version:
      return "version";
    case IndexCommand::show:
      return "show";
    case IndexCommand::shutdown:
      return "shutdown " + node_text(request);
    case IndexCommand::hello:
      return "hello " + std::string{request.rest};
  }
  return "?";
}

struct Case {
  std::string line;
  std::string request;
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << testing::PrintToString(row.line); }

class IndexRequestLine : public testing::TestWithParam<Case> {};

TEST_P(IndexRequestLine, IsReadAs) {
  const auto request = parse_index_request(GetParam().line);
  EXPECT_EQ(request ? text_of(*request) : "ERROR", GetParam().request);
}

INSTANTIATE_TEST_SUITE_P(
    NodeCommands, IndexRequestLine,
    testing::Values(Case{"node add 127.0.0.1 21999", "add 127.0.0.1:21999"}, Case{"  node   add  h  1 ", "add h:1"},
                    Case{"node add 127.0.0.1", "ERROR"}, Case{"node add", "ERROR"}, Case{"node add a 1 x", "ERROR"},
                    Case{"node add a x", "ERROR"}, Case{"node add a 0", "ERROR"},
                    Case{"node add a 65535", "add a:65535"}, Case{"node add a 65536", "ERROR"},
                    Case{"node add a -1", "ERROR"}, Case{"node add a<b 1", "ERROR"}, Case{"node add a,b 1", "ERROR"},
                    Case{"node add a\tb 1", "ERROR"}, Case{"node add \xff 1", "ERROR"},
                    Case{"node add " + std::string(255, 'h') + " 1", "add " + std::string(255, 'h') + ":1"},
                    Case{"node add " + std::string(256, 'h') + " 1", "ERROR"}, Case{"node remove a 1", "remove a:1"},
                    Case{"node remove a 1 x", "ERROR"}, Case{"node remove a", "ERROR"},
                    Case{"node state a 1 active", "state a:1 active"},
                    Case{"node state a 1 prepare", "state a:1 prepare"}, Case{"node state a 1 down", "state a:1 down"},
                    Case{"node state a 1 ready", "state a:1 ready"}, Case{"node state 127.0.0.1 1 foo", "ERROR"},
                    Case{"node state a 1", "ERROR"}, Case{"node state a 1 down x", "ERROR"},
                    Case{"shutdown a 1", "shutdown a:1"}, Case{"shutdown", "ERROR"}, Case{"shutdown a", "ERROR"},
                    Case{"shutdown a 1 x", "ERROR"}, Case{"node insync a 1 7 0", "insync a:1 7 0"},
                    Case{"node insync a 1 7 1", "insync a:1 7 1"}, Case{"node insync a 1 7", "ERROR"},
                    Case{"node offer 8 a 1", "offer a:1 8"}, Case{"node offer a 1", "ERROR"},
                    Case{"node offer 8 a 1 x", "ERROR"}, Case{"node offer -8 a 1", "ERROR"},
                    Case{"node adopt 8", "adopt 8"}, Case{"node adopt empty force", "adopt empty"},
                    Case{"node adopt empty", "ERROR"}, Case{"node adopt", "ERROR"}, Case{"node adopt 8 x", "ERROR"},
                    Case{"node adopt empty force x", "ERROR"}, Case{"node insync a 1 7 2", "ERROR"},
                    Case{"node insync a 1 -7 1", "ERROR"}, Case{"node insync a 1 7 1 x", "ERROR"},
                    Case{"node", "ERROR"}, Case{"node foo", "ERROR"}, Case{"node sync", "ERROR"},
                    Case{"node sync 1", "ERROR"}, Case{"node list", "ERROR"}, Case{"Node add a 1", "ERROR"}));

// cluster.md 1.3: balance and partition default to -1, a non-number is as if missing, words behind are ignored.
INSTANTIATE_TEST_SUITE_P(NodeRole, IndexRequestLine,
                         testing::Values(Case{"node role a 1 master 1 0", "role a:1 master 1 0"},
                                         Case{"node role a 1 slave 0 2", "role a:1 slave 0 2"},
                                         Case{"node role a 1 proxy 0 -1", "role a:1 proxy 0 -1"},
                                         Case{"node role a 1 master", "role a:1 master -1 -1"},
                                         Case{"node role a 1 master 3", "role a:1 master 3 -1"},
                                         Case{"node role a 1 slave -1 0", "role a:1 slave -1 0"},
                                         Case{"node role a 1 master x 0", "role a:1 master -1 -1"},
                                         Case{"node role a 1 master 1 x", "role a:1 master 1 -1"},
                                         Case{"node role a 1 master 1x 2", "role a:1 master 1 -1"},
                                         Case{"node role a 1 master 99999999999 0", "role a:1 master -1 0"},
                                         Case{"node role a 1 slave 2 0 junk", "role a:1 slave 2 0"},
                                         Case{"node role a 1 slave 2 0 force junk", "role a:1 slave 2 0"},
                                         Case{"node role a 1 master 1 0 force", "role a:1 master 1 0 force"},
                                         Case{"node role a 1 master 1 0 junk force", "role a:1 master 1 0 force"},
                                         Case{"node role a 1 master force", "role a:1 master -1 -1 force"},
                                         Case{"node role a 1 boss 1 0", "ERROR"}, Case{"node role a 1", "ERROR"},
                                         Case{"node role", "ERROR"}));

INSTANTIATE_TEST_SUITE_P(
    OtherCommands, IndexRequestLine,
    testing::Values(Case{"ping", "ping"}, Case{"ping x", "ERROR"}, Case{"meta", "meta"}, Case{"meta x", "ERROR"},
                    Case{"version", "version"}, Case{"version x", "ERROR"}, Case{"quit", "quit"},
                    Case{"quit x", "ERROR"}, Case{"kill 7", "kill 7"}, Case{"kill -1", "kill -1"},
                    Case{"kill", "ERROR"}, Case{"kill x", "ERROR"}, Case{"kill 1 2", "ERROR"},
                    Case{"hello a b", "hello a b"}, Case{"verbosity 1", "verbosity"},
                    Case{"verbosity 1 noreply", "verbosity noreply"}, Case{"verbosity 1 async", "verbosity"},
                    Case{"verbosity 1 sync", "ERROR"}, Case{"verbosity", "ERROR"}, Case{"show variables", "show"},
                    Case{"show variables x", "show"}, Case{"show", "ERROR"}, Case{"show x", "ERROR"}, Case{"", "ERROR"},
                    Case{"   ", "ERROR"}, Case{"get a", "ERROR"}, Case{"set a 0 0 1", "ERROR"},
                    Case{"flush_all", "ERROR"}, Case{"dump", "ERROR"}, Case{"PING", "ERROR"}, Case{"<a:1>ping", "ping"},
                    Case{"<a ping", "ERROR"}, Case{"ping\0x"s, "ping"}));

INSTANTIATE_TEST_SUITE_P(
    Stats, IndexRequestLine,
    testing::Values(Case{"stats", "stats 0"}, Case{"stats items", "stats 1"}, Case{"stats slabs", "stats 2"},
                    Case{"stats sizes", "stats 3"}, Case{"stats nodes", "stats 4"}, Case{"stats threads", "stats 5"},
                    Case{"stats threads request", "stats 6"}, Case{"stats threads slave", "stats 7"},
                    Case{"stats threads queue", "stats 8"}, Case{"stats nodes foo", "stats 4"},
                    Case{"stats items foo", "stats 1"}, Case{"stats threads request foo", "stats 6"},
                    Case{"stats threads foo", "ERROR"}, Case{"stats foo", "ERROR"}, Case{"stats reset", "ERROR"}));

}  // namespace
}  // namespace flare
