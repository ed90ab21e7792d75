#include "common/protocol/request_line.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "unit/protocol/reader_driver.h"

namespace flare {
namespace {

using std::string_literals::operator""s;

/// Bytes of one connection and what its reader says to them, ` | ` between the sayings.
struct Case {
  std::string bytes;
  std::string said;
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << testing::PrintToString(row.bytes); }

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (auto part : parts) {
    if (part.ends_with("\r\n")) part.resize(part.size() - 2);
    text += (text.empty() ? "" : " | ") + part;
  }
  return text;
}

class RequestText : public testing::TestWithParam<Case> {};

TEST_P(RequestText, IsReadAs) { EXPECT_EQ(joined(test::read_all(GetParam().bytes)), GetParam().said); }

INSTANTIATE_TEST_SUITE_P(Lines, RequestText,
                         testing::Values(Case{"ping\r\n", "ping"}, Case{"ping\n", "ping"}, Case{"  ping  \r\n", "ping"},
                                         Case{"ping\r\r\n", "!ERROR"}, Case{"\r\n", "!ERROR"}, Case{"\n", "!ERROR"},
                                         Case{"   \r\n", "!ERROR"}, Case{"\r\n\r\n\r\n", "!ERROR | !ERROR | !ERROR"},
                                         Case{"\0\r\n"s, "!ERROR"}, Case{"\tget k\r\n", "!ERROR"},
                                         Case{"GET k\r\n", "!ERROR"}, Case{"foo bar\r\n", "!ERROR"},
                                         Case{"ping\n\nping\n", "ping | !ERROR | ping"}, Case{"ping", ""},
                                         Case{std::string(1100, 'x') + "get\r\n", "!ERROR"},
                                         Case{"foo " + std::string(20000, 'y') + "\r\n", "!ERROR"},
                                         Case{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "!ERROR | !ERROR | !ERROR"},
                                         Case{"\x80\x0a", ""}, Case{"ping\r\n\x80", "ping"}));

INSTANTIATE_TEST_SUITE_P(
    Prefixes, RequestText,
    testing::Values(Case{"<a:1>get k\r\n", "get prefix=a:1 rest=\"k\""},
                    Case{"<a:1,b:2> get k\r\n", "get prefix=a:1,b:2 rest=\"k\""}, Case{"<>ping\r\n", "ping prefix="},
                    Case{"<get k\r\n", "!ERROR"}, Case{" <x>get k\r\n", "!ERROR"}, Case{"<x>\r\n", "!ERROR"},
                    Case{"<" + std::string(4097, 'x') + ">set k 0 0 1\r\ny\r\nping\r\n", "!ERROR | ping"},
                    Case{"<a\0b>ping\r\n"s, "!ERROR"},
                    Case{"<x>set k 0 0 1\r\ny\r\n", "set prefix=x key=k data=\"y\""}));

INSTANTIATE_TEST_SUITE_P(
    Reads, RequestText,
    testing::Values(Case{"get k\r\n", "get rest=\"k\""}, Case{"get   a    b  \r\n", "get rest=\"a    b\""},
                    Case{"gets a b\r\n", "gets rest=\"a b\""}, Case{"get\r\n", "!ERROR"}, Case{"get   \r\n", "!ERROR"},
                    Case{"gets\r\n", "!ERROR"}, Case{"get\tk\r\n", "!ERROR"}, Case{"get a\tb\r\n", "get rest=\"a\tb\""},
                    Case{"get a\0 b\r\n"s, "get rest=\"a\""}, Case{"get\0 k\r\n"s, "get rest=\"k\""},
                    Case{"get k noreply\r\n", "get rest=\"k noreply\""}, Case{"get k\r\r\n", "get rest=\"k\r\""},
                    Case{"get <x>\r\n", "get rest=\"<x>\""}));

INSTANTIATE_TEST_SUITE_P(
    Storage, RequestText,
    testing::Values(Case{"set k 1 2 3\r\nabc\r\n", "set key=k flags=1 exptime=2 data=\"abc\""},
                    Case{"set k 0 0 3\nabc\r\n", "set key=k data=\"abc\""}, Case{"set k 0 0 0\r\n\r\n", "set key=k"},
                    Case{"add k 0 0 1\r\nx\r\n", "add key=k data=\"x\""},
                    Case{"replace k 0 0 1\r\nx\r\n", "replace key=k data=\"x\""},
                    Case{"append k 0 0 1\r\nx\r\n", "append key=k data=\"x\""},
                    Case{"prepend k 0 0 1\r\nx\r\n", "prepend key=k data=\"x\""},
                    Case{"set k 4294967295 0 1\r\nx\r\n", "set key=k flags=4294967295 data=\"x\""},
                    Case{"set k 007 0 1\r\nx\r\n", "set key=k flags=7 data=\"x\""},
                    Case{"set k 0 9223372036854775807 1\r\nx\r\n", "set key=k exptime=9223372036854775807 data=\"x\""},
                    Case{"set k 0 -1 1\r\nx\r\n", "set key=k exptime=-1 data=\"x\""},
                    Case{"<a:1>set k 0 -1 1\r\nx\r\n", "!ERROR"},
                    Case{"set k 0 0 1 10\r\nx\r\n", "set key=k version=10 data=\"x\""},
                    Case{"set k 0 0 1 0\r\nx\r\n", "set key=k data=\"x\""},
                    Case{"set k 0 0 1 18446744073709551615\r\nx\r\n",
                         "set key=k version=18446744073709551615 data=\"x\""},
                    Case{"set k 0 0 1 5 noreply\r\nx\r\n", "set key=k version=5 data=\"x\" noreply"},
                    Case{"set k 0 0 1 sync\r\nx\r\n", "set key=k data=\"x\" sync"},
                    Case{"set k 0 0 1 noreply sync async\r\nx\r\n", "set key=k data=\"x\" noreply sync async"},
                    Case{"set k 0 0 1 noreply noreply\r\nx\r\n", "set key=k data=\"x\" noreply"},
                    Case{"set k 0 0 1noreply\r\nx\r\n", "set key=k data=\"x\" noreply"},
                    Case{"cas k 4 0 1 7\r\nx\r\n", "cas key=k flags=4 version=7 data=\"x\""},
                    Case{"cas k 0 0 1 0 noreply\r\nx\r\n", "cas key=k data=\"x\" noreply"},
                    Case{"set t\rcr 0 0 1\r\nx\r\n", "set key=t\rcr data=\"x\""},
                    Case{"set \xff\x80 0 0 1\r\nx\r\n", "set key=\xff\x80 data=\"x\""},
                    Case{"set get 0 0 1\r\nx\r\n", "set key=get data=\"x\""},
                    Case{"set k 0 0 9\r\na\r\nb\r\nEND\r\n", "set key=k data=\"a\r\nb\r\nEND\""},
                    Case{"set k 0 0 3\r\na\0b\r\n"s, "set key=k data=\"a\0b\""s}));

// A refused storage command is answered once and its payload skipped, when its size is known (protocol.md 9.5).
INSTANTIATE_TEST_SUITE_P(
    RefusedStorage, RequestText,
    testing::Values(Case{"set k 4294967296 0 1\r\nx\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k -1 0 1\r\nx\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k abc 0 1\r\nx\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k +7 0 1\r\nx\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 7a 0 1\r\nx\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 0 abc 1\r\nx\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 0 9223372036854775808 1\r\nx\r\nping\r\n",
                         "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 0 1-2 1\r\nx\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 0 0 1 bogus\r\nx\r\nping\r\n", "!ERROR | ping"},
                    Case{"set k 0 0 1 NOREPLY\r\nx\r\nping\r\n", "!ERROR | ping"},
                    Case{"set k zz 0 1 noreply\r\nx\r\nping\r\n", "ping"},
                    Case{"set k 0 0 1 noreply 5\r\nx\r\nping\r\n", "!ERROR | ping"},
                    Case{"set k 0 0 1 5 6\r\nx\r\nping\r\n", "!ERROR | ping"},
                    Case{"set k 0 0 1 -1\r\nx\r\nping\r\n", "!ERROR | ping"},
                    Case{"set k 0 0 1 18446744073709551616\r\nx\r\nping\r\n", "!ERROR | ping"},
                    Case{"cas k 0 0 1\r\nx\r\nping\r\n", "!ERROR | ping"},
                    Case{"cas k 0 0 1 -2\r\nx\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"cas k 0 0 1 abc\r\nx\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 0 0 4 bogus\r\nping\r\nping\r\n", "!ERROR | ping"},
                    Case{"set " + std::string(8192, 'k') + " 0 0 1\r\nx\r\nping\r\n",
                         "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 0\r\nping\r\n", "!ERROR | ping"}, Case{"set k 0 0\r\nping\r\n", "!ERROR | ping"},
                    Case{"set k\r\nping\r\n", "!ERROR | ping"}, Case{"set\r\nping\r\n", "!ERROR | ping"},
                    Case{"set k 0 0 -1\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 0 0 abc\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 0 0 2147483648\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set k 0 0 99999999999999999999\r\nping\r\n", "!CLIENT_ERROR bad command line format | ping"},
                    Case{"set a\0b 0 0 1\r\nping\r\n"s, "!ERROR | ping"},
                    Case{"SET k 0 0 1\r\nx\r\n", "!ERROR | !ERROR"},
                    Case{"set k 0 0 2147483646\r\nping\r\n", "!SERVER_ERROR object too large for cache"},
                    Case{"set k 0 0 2147483647\r\nping\r\n", "!SERVER_ERROR object too large for cache"},
                    Case{"set k 0 0 2147483647 noreply\r\nping\r\n", ""}));

// As memcached: size + 2 bytes are gone, the next byte begins a command (design.md 1, protocol.md 8.8).
INSTANTIATE_TEST_SUITE_P(
    PayloadEnds, RequestText,
    testing::Values(Case{"set k 0 0 3\r\nabcdef\r\nget k\r\n",
                         "!CLIENT_ERROR bad data chunk | !ERROR | get rest=\"k\""},
                    Case{"set k 0 0 5\r\nabc\r\nget d\r\nping\r\n", "!CLIENT_ERROR bad data chunk | !ERROR | ping"},
                    Case{"set k 0 0 3\r\nabc\nget k\r\nping\r\n", "!CLIENT_ERROR bad data chunk | !ERROR | ping"},
                    Case{"set k 0 0 3\r\nabcXXping\r\n", "!CLIENT_ERROR bad data chunk | ping"},
                    Case{"set k 0 0 3 noreply\r\nabcXXping\r\n", "ping"}, Case{"set k 0 0 3\r\nabc\r", ""},
                    Case{"set k 0 0 10\r\nabc", ""}));

INSTANTIATE_TEST_SUITE_P(
    Arithmetic, RequestText,
    testing::Values(Case{"incr k 5\r\n", "incr key=k delta=5"}, Case{"decr k 007\r\n", "decr key=k delta=7"},
                    Case{"incr k 18446744073709551615\r\n", "incr key=k delta=18446744073709551615"},
                    Case{"incr k -1\r\n", "incr key=k delta=18446744073709551615"},
                    Case{"incr k 18446744073709551616\r\n", "!CLIENT_ERROR invalid numeric delta argument"},
                    Case{"incr k abc\r\n", "!CLIENT_ERROR invalid numeric delta argument"},
                    Case{"incr k 1abc\r\n", "!CLIENT_ERROR invalid numeric delta argument"},
                    Case{"incr k\r\n", "!ERROR"}, Case{"incr\r\n", "!ERROR"}, Case{"incr k 1 2\r\n", "!ERROR"},
                    Case{"incr k -\r\n", "!CLIENT_ERROR invalid numeric delta argument"},
                    Case{"incr k --1\r\n", "!CLIENT_ERROR invalid numeric delta argument"},
                    Case{"incr k 1-1\r\n", "!CLIENT_ERROR invalid numeric delta argument"},
                    Case{"incr k - 1\r\n", "!CLIENT_ERROR invalid numeric delta argument"},
                    Case{"incr k 1 noreply\r\n", "incr key=k delta=1 noreply"},
                    Case{"decr k 1 sync\r\n", "decr key=k delta=1 sync"},
                    Case{"decr k 1 async\r\n", "decr key=k delta=1 async"},
                    Case{"incr " + std::string(8192, 'k') + " 1\r\n", "!CLIENT_ERROR bad command line format"}));

INSTANTIATE_TEST_SUITE_P(
    DeleteAndTouch, RequestText,
    testing::Values(Case{"delete k\r\n", "delete key=k"}, Case{"delete k 0\r\n", "delete key=k"},
                    Case{"delete k 60\r\n", "delete key=k exptime=60"},
                    Case{"delete k 0 9\r\n", "delete key=k version=9"},
                    Case{"delete k noreply\r\n", "delete key=k noreply"},
                    Case{"delete k 0 noreply\r\n", "delete key=k noreply"},
                    Case{"delete k sync\r\n", "delete key=k sync"}, Case{"delete\r\n", "!ERROR"},
                    Case{"delete k abc\r\n", "!CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]"},
                    Case{"delete k -1\r\n", "!CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]"},
                    Case{"delete k 0 1 2\r\n", "!ERROR"}, Case{"touch k 10\r\n", "touch key=k exptime=10"},
                    Case{"touch k 10 77\r\n", "touch key=k exptime=10 version=77"},
                    Case{"touch k 10 noreply\r\n", "touch key=k exptime=10 noreply"},
                    Case{"touch k -1\r\n", "touch key=k exptime=-1"}, Case{"touch k\r\n", "!ERROR"},
                    Case{"touch\r\n", "!ERROR"}, Case{"touch k abc\r\n", "!CLIENT_ERROR invalid exptime argument"},
                    Case{"touch k 10 sync\r\n", "!ERROR"}, Case{"touch k 10 async\r\n", "!ERROR"}));

// design.md 1: whose order of gat a client meant.
INSTANTIATE_TEST_SUITE_P(
    Gat, RequestText,
    testing::Values(
        Case{"gat k 10\r\n", "gat key=k exptime=10"}, Case{"gat k 10 noreply\r\n", "gat key=k exptime=10 noreply"},
        Case{"gat k 10 5\r\n", "gat key=k exptime=10 version=5"},
        Case{"gat 100 k\r\n", "gat rest=\"k\" exptime=100 memcached_order"},
        Case{"gat 100 a b\r\n", "gat rest=\"a b\" exptime=100 memcached_order"},
        Case{"gat -1 k\r\n", "gat rest=\"k\" exptime=-1 memcached_order"},
        Case{"gat 5 100\r\n", "gat key=5 exptime=100"}, Case{"gat 5 100 noreply\r\n", "gat key=5 exptime=100 noreply"},
        Case{"gat 100 5 7\r\n", "gat rest=\"5 7\" exptime=100 memcached_order"},
        Case{"gat 100 5 k\r\n", "gat rest=\"5 k\" exptime=100 memcached_order"}, Case{"<a:1>gat 100 k\r\n", "!ERROR"},
        Case{"<a:1>gat 5 100 7\r\n", "gat prefix=a:1 key=5 exptime=100 version=7"},
        Case{"gat k 10 x\r\n", "!CLIENT_ERROR invalid exptime argument"}, Case{"gat k\r\n", "!ERROR"},
        Case{"gat 100\r\n", "!ERROR"}, Case{"gat\r\n", "!ERROR"},
        Case{"gats 100 k\r\n", "gat rest=\"k\" exptime=100 memcached_order with_version"},
        Case{"gats 100 5\r\n", "gat rest=\"5\" exptime=100 memcached_order with_version"},
        Case{"gats k 100\r\n", "!CLIENT_ERROR invalid exptime argument"}, Case{"gats 100\r\n", "!ERROR"},
        Case{"gats\r\n", "!ERROR"}));

INSTANTIATE_TEST_SUITE_P(
    Administration, RequestText,
    testing::Values(
        Case{"ping x\r\n", "!ERROR"}, Case{"version\r\n", "version"}, Case{"version x\r\n", "version"},
        Case{"<a:1>version x\r\n", "!ERROR"}, Case{"quit\r\nping\r\n", "quit | ping"}, Case{"quit x\r\n", "!ERROR"},
        Case{"verbosity 1\r\n", "verbosity"}, Case{"verbosity -1\r\n", "verbosity"},
        Case{"verbosity 1 noreply\r\n", "verbosity noreply"}, Case{"verbosity 1 async\r\n", "verbosity async"},
        Case{"verbosity 1 sync\r\n", "!ERROR"}, Case{"verbosity\r\n", "!ERROR"},
        Case{"verbosity abc\r\n", "!CLIENT_ERROR bad command line format"}, Case{"verbosity 1 2\r\n", "!ERROR"},
        Case{"verbosity 2147483648\r\n", "!CLIENT_ERROR bad command line format"}, Case{"flush_all\r\n", "flush_all"},
        Case{"flush_all 100\r\n", "flush_all exptime=100"}, Case{"flush_all -1\r\n", "flush_all exptime=-1"},
        Case{"flush_all noreply\r\n", "flush_all noreply"},
        Case{"flush_all 5 noreply\r\n", "flush_all exptime=5 noreply"}, Case{"flush_all async\r\n", "flush_all async"},
        Case{"flush_all sync\r\n", "!CLIENT_ERROR invalid exptime argument"},
        Case{"flush_all abc\r\n", "!CLIENT_ERROR invalid exptime argument"}, Case{"flush_all 1 2\r\n", "!ERROR"},
        Case{"stats\r\n", "stats"}, Case{"stats  \r\n", "stats"},
        Case{"stats threads  slave\r\n", "stats rest=\"threads  slave\""}, Case{"show\r\n", "!ERROR"},
        Case{"show foo\r\n", "!ERROR"}, Case{"showvariables\r\n", "!ERROR"},
        Case{"show variables\r\n", "show rest=\"variables\""},
        Case{"show variables foo\r\n", "show rest=\"variables foo\""}, Case{"kill 7\r\n", "kill id=7"},
        Case{"kill -1\r\n", "kill id=-1"}, Case{"kill\r\n", "!ERROR"}, Case{"kill abc\r\n", "!ERROR"},
        Case{"kill 1 2\r\n", "!ERROR"}, Case{"kill 99999999999\r\n", "!ERROR"},
        Case{"repl hello 0 1 2\r\n", "repl rest=\"hello 0 1 2\""}, Case{"repl\r\n", "!ERROR"},
        Case{"meta\r\n", "!ERROR"}, Case{"shutdown\r\n", "!ERROR"}, Case{"mg\r\n", "!ERROR"},
        Case{"keys k 10\r\n", "!SERVER_ERROR not available on current storage type"},
        Case{"keys a b 2147483647\r\n", "!SERVER_ERROR not available on current storage type"},
        Case{"keys\r\n", "!ERROR"}, Case{"keys k\r\n", "!ERROR"}, Case{"keys k 0\r\n", "!ERROR"},
        Case{"keys k -1\r\n", "!ERROR"}, Case{"keys k abc\r\n", "!ERROR"}, Case{"keys k 2147483648\r\n", "!ERROR"}));

// protocol.md 2, cluster.md 6.3.
INSTANTIATE_TEST_SUITE_P(
    Dumps, RequestText,
    testing::Values(Case{"dump\r\n", "dump"}, Case{"dump 1000\r\n", "dump wait=1000"},
                    Case{"dump 0 0 1\r\n", "dump partition=0 size=1"},
                    Case{"dump 5 1 2 100\r\n", "dump wait=5 partition=1 size=2 kb_s=100"},
                    Case{"dump 0 -1 0\r\n", "dump"}, Case{"dump abc\r\n", "dump"},
                    Case{"dump 0 0 1 1000 abc\r\n", "dump partition=0 size=1 kb_s=1000"}, Case{"dump -1\r\n", "!ERROR"},
                    Case{"dump 0 0\r\n", "!ERROR"}, Case{"dump 0 1 1\r\n", "!ERROR"}, Case{"dump 0 0 0\r\n", "!ERROR"},
                    Case{"dump 0 0 -1\r\n", "!ERROR"}, Case{"dump 0 -1 2\r\n", "!ERROR"},
                    Case{"dump 0 -2 0\r\n", "!ERROR"}, Case{"dump 99999999999999999999\r\n", "!ERROR"},
                    Case{"dump_key\r\n", "dump_key"}, Case{"dump_key 0 1\r\n", "dump_key partition=0 size=1"},
                    Case{"dump_key -1 0\r\n", "dump_key"}, Case{"dump_key 0\r\n", "!ERROR"},
                    Case{"dump_key 1 1\r\n", "!ERROR"}, Case{"dump_key abc\r\n", "dump_key"},
                    Case{"dump_key 0 1 50\r\n", "dump_key partition=0 size=1 kb_s=50"}));

// cluster.md 3.1: the NODE lines until END are one request.
INSTANTIATE_TEST_SUITE_P(
    NodeSync, RequestText,
    testing::Values(Case{"node sync 3\r\nNODE a 1 2 0 -1 0 16\r\nEND\r\nping\r\n",
                         "node_sync version=3 data=\"NODE a 1 2 0 -1 0 16\r\n\" | ping"},
                    Case{"node sync\nNODE a 1 2 0 -1 0 16 e=7\nEND\n", "node_sync data=\"NODE a 1 2 0 -1 0 16 e=7\n\""},
                    Case{"node sync 1\r\nEND\r\n", "node_sync version=1"},
                    Case{"node sync 1\r\nNODE a 1 2 0 -1 0 16\r\n", ""},
                    Case{"node sync 0\r\nfoo\r\nping\r\n", "!CLIENT_ERROR format error | ping"},
                    Case{"node sync\r\nNODE 127.0.0.1\r\nEND\r\nping\r\n", "!CLIENT_ERROR format error | ping"},
                    Case{"node sync abc\r\n", "!ERROR"}, Case{"node sync 1 2\r\n", "!ERROR"},
                    Case{"node sync -1\r\n", "!ERROR"}, Case{"node\r\n", "!ERROR"},
                    Case{"node add a 1\r\n", "!ERROR"}));

}  // namespace
}  // namespace flare
