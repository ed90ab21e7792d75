#include "common/protocol/request_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/protocol/reply_writer.h"
#include "unit/protocol/reader_driver.h"

namespace flare {
namespace {

using test::read_all;
using test::ReaderDriver;
using testing::ElementsAre;

constexpr ReaderLimits small_limits{.line_bytes = 40, .key_bytes = 8, .value_bytes = 16};

TEST(RequestReader, ReadsAPipelineCutAtEveryPointAlike) {
  const std::string pipeline =
      "get a b\r\nset k 1 2 5\r\nhello\r\nset k 0 0 3 bogus\r\nabc\r\nset k 0 0 20\r\n01234567890123456789\r\n"
      "set k 0 0 2\r\nabXXping\r\n\r\nnode sync 2\r\nNODE a 1 2 0 -1 0 16\r\nNODE b 1 2 0 -1 0 17\r\nEND\r\n"
      "incr k 1 noreply\r\nset toolongkey 0 0 4\r\nping\r\nset e 0 0 0\r\n\r\nquit\r\n";
  const auto whole = read_all(pipeline, small_limits);
  ASSERT_EQ(whole.size(), 12u);
  for (std::size_t cut = 0; cut <= pipeline.size(); ++cut) {
    ReaderDriver driver{small_limits};
    driver.feed(pipeline.substr(0, cut));
    driver.feed(pipeline.substr(cut));
    ASSERT_EQ(driver.said(), whole) << cut;
    ASSERT_EQ(driver.unread_bytes(), 0u) << cut;
  }
}

TEST(RequestReader, ReadsAPipelineInPiecesOfAnySizeAlike) {
  const std::string pipeline = "set k 0 0 20\r\n01234567890123456789\r\nget a\nset k 0 0 4 x\r\n0123\r\nversion x\r\n";
  const auto whole = read_all(pipeline, small_limits);
  for (std::size_t bytes = 1; bytes < pipeline.size(); ++bytes) {
    ReaderDriver driver{small_limits};
    for (std::size_t begin = 0; begin < pipeline.size(); begin += bytes) driver.feed(pipeline.substr(begin, bytes));
    ASSERT_EQ(driver.said(), whole) << bytes;
  }
}

TEST(RequestReader, ClosesAtALineAboveTheLimitWithOrWithoutItsEnd) {
  const std::string good(40 - 4, 'k');
  EXPECT_THAT(read_all("foo " + good + "\n", small_limits), ElementsAre("!ERROR\r\n"));
  for (const std::string end : {"", "\n", "\r\nping\r\n"}) {
    EXPECT_THAT(read_all("foo " + good + "k" + end, small_limits),
                ElementsAre("!CLIENT_ERROR line too long\r\n", "closed"));
  }
}

// docs/security.md, PROXY protocol: what follows the signature is never taken for requests.
TEST(RequestReader, ClosesAtTheHeaderOfABalancerThatIsNone) {
  const std::string header{"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16};
  for (std::size_t cut = 0; cut <= header.size(); ++cut) {
    ReaderDriver driver{small_limits};
    driver.feed(header.substr(0, cut));
    driver.feed(header.substr(cut) + "ping\r\n");
    EXPECT_THAT(driver.said(), ElementsAre("!ERROR\r\n", "!ERROR\r\n", "!ERROR\r\n",
                                           "!" + std::string{reply::stray_proxy_header}, "closed"))
        << cut;
  }
  EXPECT_THAT(read_all("QUIT\r\nping\r\n", small_limits), ElementsAre("!ERROR\r\n", "ping"));
}

TEST(RequestReader, TakesTheLongestKeyAndRefusesALongerOne) {
  EXPECT_THAT(read_all("get 12345678 a\r\n", small_limits), ElementsAre("get rest=\"12345678 a\""));
  EXPECT_THAT(read_all("get a 123456789\r\n", small_limits), ElementsAre("!CLIENT_ERROR bad command line format\r\n"));
  EXPECT_THAT(read_all("gat 0 a 123456789\r\n", small_limits),
              ElementsAre("!CLIENT_ERROR bad command line format\r\n"));
  EXPECT_THAT(read_all("delete 123456789\r\n", small_limits), ElementsAre("!CLIENT_ERROR bad command line format\r\n"));
}

TEST(GatOrderOption, FixesTheOrderWhereBothWordsAreNumbers) {
  const auto read = [](GatOrder order, const std::string& line) {
    ReaderLimits limits;
    limits.gat_order = order;
    return read_all(line + "\r\n", limits).front();
  };
  const std::string time_first = "gat rest=\"100\" exptime=5 memcached_order";
  EXPECT_EQ(read(GatOrder::rule, "gat 5 100"), "gat key=5 exptime=100");
  EXPECT_EQ(read(GatOrder::flare, "gat 5 100"), "gat key=5 exptime=100");
  EXPECT_EQ(read(GatOrder::memcached, "gat 5 100"), time_first);
  EXPECT_EQ(read(GatOrder::rule, "gat 5 100 7"), "gat rest=\"100 7\" exptime=5 memcached_order");
  EXPECT_EQ(read(GatOrder::flare, "gat 5 100 7"), "gat key=5 exptime=100 version=7");
  for (const auto order : {GatOrder::rule, GatOrder::flare, GatOrder::memcached}) {
    EXPECT_EQ(read(order, "gat 5 k"), "gat rest=\"k\" exptime=5 memcached_order");
    EXPECT_EQ(read(order, "gat k 5"), "gat key=k exptime=5");
    EXPECT_EQ(read(order, "<a:1>gat 5 100"), "gat prefix=a:1 key=5 exptime=100") << "a node speaks the original's";
  }
}

// design.md 1, protocol.md 9.8: a door of tenants can refuse what only the master should give.
TEST(ClientVersions, AreRefusedByTheOptionWithTheirPayloadSkipped) {
  ReaderLimits limits;
  limits.client_versions = false;
  const std::string refused = "!CLIENT_ERROR a client may not give a version here (option client-versions)\r\n";
  EXPECT_THAT(read_all("set k 0 0 1 5\r\nx\r\nping\r\n", limits), ElementsAre(refused, "ping"));
  EXPECT_THAT(read_all("delete k 0 9\r\nping\r\n", limits), ElementsAre(refused, "ping"));
  EXPECT_THAT(read_all("set k 0 0 1 5 noreply\r\nx\r\nping\r\n", limits), ElementsAre("ping"));
  EXPECT_THAT(read_all("set k 0 0 1 0\r\nx\r\n", limits), ElementsAre("set key=k data=\"x\""));
  EXPECT_THAT(read_all("cas k 0 0 1 7\r\nx\r\n", limits), ElementsAre("cas key=k version=7 data=\"x\""));
  EXPECT_THAT(read_all("<a:1>set k 0 0 1 5\r\nx\r\n", limits),
              ElementsAre("set prefix=a:1 key=k version=5 data=\"x\""));
}

TEST(RequestReader, TakesTheLargestValueAndSkipsALargerOne) {
  const std::string largest(16, 'v');
  EXPECT_THAT(read_all("set k 0 0 16\r\n" + largest + "\r\n", small_limits),
              ElementsAre("set key=k data=\"" + largest + "\""));
  EXPECT_THAT(read_all("set k 0 0 17\r\n" + largest + "v\r\nping\r\n", small_limits),
              ElementsAre("!SERVER_ERROR object too large for cache\r\n", "ping"));
}

// protocol.md 9.1: the size that killed the original is answered before its payload, which is never kept.
TEST(RequestReader, AnswersAHugeSizeAtOnceAndKeepsNothingOfItsPayload) {
  ReaderDriver driver;
  driver.feed("set k 0 0 2147483647\r\n");
  EXPECT_THAT(driver.said(), ElementsAre("!SERVER_ERROR object too large for cache\r\n"));
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 16; ++i) {
    driver.feed(piece);
    ASSERT_EQ(driver.unread_bytes(), 0u);
  }
  EXPECT_EQ(driver.said().size(), 1u);
}

TEST(RequestReader, TellsHowManyBytesThePayloadNeeds) {
  RequestReader reader{ReaderLimits{}};
  const auto result = reader.next("set k 0 0 100\r\nabc");
  EXPECT_EQ(result.kind, ReadResult::Kind::need_more);
  EXPECT_EQ(result.bytes_needed, 15u + 100 + 2);
  EXPECT_EQ(result.consumed, 0u);
}

std::string node_lines_of(std::size_t count) {
  std::string lines;
  for (std::size_t i = 0; i < count; ++i) lines += "NODE a " + std::to_string(i + 1) + " 2 0 -1 0 16\r\n";
  return lines;
}

TEST(RequestReader, BoundsTheLinesOfAMap) {
  const auto most = read_all("node sync 1\r\n" + node_lines_of(limits::map_nodes_max) + "END\r\n");
  ASSERT_EQ(most.size(), 1u);
  EXPECT_TRUE(most[0].starts_with("node_sync"));
  EXPECT_THAT(read_all("node sync 1\r\n" + node_lines_of(limits::map_nodes_max + 1)),
              ElementsAre("!SERVER_ERROR node map too large\r\n", "closed"));
}

TEST(RequestReader, BoundsTheBytesOfAMap) {
  std::string bytes = "node sync 1\r\n";
  for (int i = 0; i < 40; ++i) bytes += "NODE a 1 2 0 -1 0 16 " + std::string(60'000, 'x') + "\r\n";
  EXPECT_THAT(read_all(bytes), ElementsAre("!SERVER_ERROR node map too large\r\n", "closed"));
}

// Each character of a golden string is one byte (protocol.md 10).
std::string bytes_of(const std::string& utf8) {
  std::string bytes;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    if (lead < 0x80) {
      bytes.push_back(utf8[i]);
    } else {
      bytes.push_back(static_cast<char>(((lead & 0x03) << 6) | (static_cast<unsigned char>(utf8[++i]) & 0x3f)));
    }
  }
  return bytes;
}

std::vector<std::string> golden_sends() {
  std::ifstream stream{std::string{FLARE_GOLDEN_DIR} + "/protocol.jsonl"};
  std::vector<std::string> sends;
  for (std::string line; std::getline(stream, line);) {
    const auto row = nlohmann::json::parse(line);
    std::string bytes = row.value("send", "");
    for (const auto& piece : row.value("pieces", std::vector<std::string>{})) bytes += piece;
    sends.push_back(bytes_of(bytes));
  }
  return sends;
}

TEST(RequestReader, ComesToTheEndOfEveryGoldenCaseWholeOrByteByByte) {
  const auto sends = golden_sends();
  ASSERT_EQ(sends.size(), 463u);
  for (const auto& bytes : sends) {
    const auto whole = read_all(bytes);
    ReaderDriver driver;
    for (const char byte : bytes) driver.feed({&byte, 1});
    ASSERT_EQ(driver.said(), whole) << bytes.substr(0, 200);
  }
}

}  // namespace
}  // namespace flare
