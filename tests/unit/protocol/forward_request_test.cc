#include "common/protocol/forward_request.h"

#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <string>

#include "common/protocol/request_reader.h"
#include "unit/protocol/request_text.h"

namespace flare {
namespace {

constexpr std::int64_t now_s = 1'795'522'000;

Request read(std::string_view bytes) {
  RequestReader reader{ReaderLimits{}};
  const auto result = reader.next(bytes);
  EXPECT_EQ(result.kind, ReadResult::Kind::request) << bytes;
  EXPECT_EQ(result.consumed, bytes.size()) << bytes;
  return result.request;
}

std::string forwarded(const Request& request) {
  OutputBuffer out;
  append_forwarded_write(out, request, "a:1", now_s);
  return std::string{out.view()};
}

struct Case {
  const char* client;
  const char* node;
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << testing::PrintToString(row.client); }

class Forwarded : public testing::TestWithParam<Case> {};

TEST_P(Forwarded, IsWrittenAs) { EXPECT_EQ(forwarded(read(GetParam().client)), GetParam().node); }

// What is written can be read, and says the same: the next node writes it alike but for its own name.
TEST_P(Forwarded, SaysTheSameToTheNextNode) {
  const std::string first = forwarded(read(GetParam().client));
  Request again = read(first);
  EXPECT_FALSE(again.noreply);
  EXPECT_EQ(again.prefix.substr(again.prefix.size() - 3), "a:1");
  again.prefix = read(GetParam().client).prefix;
  EXPECT_EQ(forwarded(again), first);
}

INSTANTIATE_TEST_SUITE_P(
    Cluster_5_2, Forwarded,
    testing::Values(Case{"set key1 7 0 3\r\nabd\r\n", "<a:1>set key1 7 0 3\r\nabd\r\n"},
                    Case{"<b:2>set key1 7 0 3 2\r\nabd\r\n", "<b:2,a:1>set key1 7 0 3 2\r\nabd\r\n"},
                    Case{"set k 0 100 1\r\nx\r\n", "<a:1>set k 0 1795522100 1\r\nx\r\n"},
                    Case{"set k 0 4000000000 1\r\nx\r\n", "<a:1>set k 0 4000000000 1\r\nx\r\n"},
                    Case{"set k 0 -1 1\r\nx\r\n", "<a:1>set k 0 2592001 1\r\nx\r\n"},
                    Case{"set k 0 0 1 noreply\r\nx\r\n", "<a:1>set k 0 0 1\r\nx\r\n"},
                    Case{"set k 0 0 1 5 noreply async sync\r\nx\r\n", "<a:1>set k 0 0 1 5 sync async\r\nx\r\n"},
                    Case{"set k 0 0 0\r\n\r\n", "<a:1>set k 0 0 0\r\n\r\n"},
                    Case{"add key9 0 0 1\r\n5\r\n", "<a:1>add key9 0 0 1\r\n5\r\n"},
                    Case{"replace k 1 0 1\r\n5\r\n", "<a:1>replace k 1 0 1\r\n5\r\n"},
                    Case{"append k 0 0 1\r\n5\r\n", "<a:1>append k 0 0 1\r\n5\r\n"},
                    Case{"prepend k 0 0 1\r\n5\r\n", "<a:1>prepend k 0 0 1\r\n5\r\n"},
                    Case{"cas key1 0 0 1 3\r\nq\r\n", "<a:1>cas key1 0 0 1 3\r\nq\r\n"},
                    Case{"cas key1 0 0 1 0\r\nq\r\n", "<a:1>cas key1 0 0 1 0\r\nq\r\n"},
                    Case{"incr key9 2\r\n", "<a:1>incr key9 2\r\n"},
                    Case{"decr key9 -1 sync\r\n", "<a:1>decr key9 18446744073709551615 sync\r\n"},
                    Case{"delete key2\r\n", "<a:1>delete key2 0\r\n"},
                    Case{"delete key2 60 7 noreply\r\n", "<a:1>delete key2 1795522060 7\r\n"},
                    Case{"touch key1 8\r\n", "<a:1>touch key1 1795522008\r\n"},
                    Case{"touch key1 8 5 noreply\r\n", "<a:1>touch key1 1795522008\r\n"},
                    Case{"gat key1 108 noreply\r\n", "<a:1>gat key1 1795522108\r\n"},
                    Case{"gat key1 -1\r\n", "<a:1>gat key1 2592001\r\n"}));

TEST(ForwardedGat, GoesOutKeyByKeyWhenItCameInMemcachedOrder) {
  Request request = read("gat 100 a b\r\n");
  request.key = "b";
  EXPECT_EQ(forwarded(request), "<a:1>gat b 1795522100\r\n");
  request = read("gats 100 a b\r\n");
  request.key = "a";
  EXPECT_EQ(forwarded(request), "<a:1>gats 1795522100 a\r\n");
  const std::string written = forwarded(request);
  EXPECT_EQ(test::text_of(read(written)), "gat prefix=a:1 rest=\"a\" exptime=1795522100 memcached_order with_version");
}

TEST(ForwardedRead, CarriesNoPrefix) {
  constexpr std::array<std::string_view, 2> keys{"a", "b"};
  OutputBuffer out;
  append_forwarded_read(out, false, keys);
  append_forwarded_read(out, true, std::span{keys}.first(1));
  EXPECT_EQ(out.view(), "get a b\r\ngets a\r\n");
}

TEST(ForwardedWrite, IsForTheWritesOfTheSpecOnly) {
  for (const auto command :
       {Command::set, Command::add, Command::replace, Command::cas, Command::append, Command::prepend, Command::incr,
        Command::decr, Command::remove, Command::touch, Command::gat}) {
    EXPECT_TRUE(is_forwarded_write(command)) << test::command_word(command);
  }
  for (const auto command : {Command::get, Command::gets, Command::flush_all, Command::stats, Command::ping,
                             Command::dump, Command::node_sync, Command::repl, Command::quit}) {
    EXPECT_FALSE(is_forwarded_write(command)) << test::command_word(command);
  }
}

}  // namespace
}  // namespace flare
