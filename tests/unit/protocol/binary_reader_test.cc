#include "common/protocol/binary_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "common/protocol/request_reader.h"
#include "support/binary_packets.h"
#include "unit/protocol/reader_driver.h"

namespace flare {
namespace {

using namespace std::string_literals;
using test::answer_packet;
using test::bare_header;
using test::network;
using test::Packet;
using test::read_all;
using test::ReaderDriver;
using test::request_packet;
using test::to_hex;
using testing::ElementsAre;

constexpr ReaderLimits memcached_limits{.line_bytes = 2048, .key_bytes = 250, .value_bytes = 1024};

std::string optional_text(const std::string& name, const auto& number) {
  return number ? ' ' + name + '=' + std::to_string(*number) : std::string{};
}

std::string verb_of(const ItemRequest& item) {
  constexpr const char* modes[] = {"set", "add", "append", "prepend", "replace"};
  switch (item.verb) {
    case ItemVerb::get:
      return item.wants_value ? "get" : "touch";
    case ItemVerb::store:
      return modes[static_cast<int>(item.mode)];
    case ItemVerb::remove:
      return "delete";
    case ItemVerb::arithmetic:
      return item.decrement ? "decr" : "incr";
    case ItemVerb::debug:
      return "debug";
  }
  return "?";
}

std::string text_of_item(const ItemRequest& item) {
  std::string text = verb_of(item) + ' ' + std::string{item.key};
  if (!item.data.empty()) text += " data=" + std::string{item.data};
  if (item.flags != 0) text += " flags=" + std::to_string(item.flags);
  text += optional_text("exptime", item.exptime) + optional_text("compare", item.compare);
  if (item.verb == ItemVerb::arithmetic) {
    text += " delta=" + std::to_string(item.delta) + " initial=" + std::to_string(item.initial);
    text += optional_text("vivify", item.vivify_exptime);
  }
  return item.quiet ? text + " quiet" : text;
}

/// One packet, read by the reader that sessions have.
std::string read_one(const std::string& bytes, const ReaderLimits& limits = memcached_limits) {
  RequestReader reader{limits};
  const auto read = reader.next(bytes);
  if (read.kind != ReadResult::Kind::request) return "no request: " + to_hex(read.answer);
  EXPECT_EQ(read.consumed, bytes.size());
  const Request& request = read.request;
  if (request.command == Command::item) {
    EXPECT_EQ(request.item->form, ItemRequest::Form::binary);
    EXPECT_EQ(request.item->binary.opcode, static_cast<std::uint8_t>(bytes[1]));
    EXPECT_FALSE(request.item->sees_marks);
    return text_of_item(*request.item);
  }
  EXPECT_EQ(request.binary->opcode, static_cast<std::uint8_t>(bytes[1]));
  return test::text_of(request);
}

struct Reading {
  Packet packet;
  std::string request;
};
void PrintTo(const Reading& row, std::ostream* out) { *out << row.request; }
class BinaryRequest : public testing::TestWithParam<Reading> {};

TEST_P(BinaryRequest, IsReadAs) { EXPECT_EQ(read_one(request_packet(GetParam().packet)), GetParam().request); }

const std::string store_extras = network(7, 4) + network(100, 4);
std::string arithmetic_extras(std::uint32_t exptime) { return network(5, 8) + network(10, 8) + network(exptime, 4); }

INSTANTIATE_TEST_SUITE_P(Gets, BinaryRequest,
                         testing::Values(Reading{{0x00, "k"}, "get k"}, Reading{{0x09, "k"}, "get k quiet"},
                                         Reading{{0x0c, "k"}, "get k"}, Reading{{0x0d, "k"}, "get k quiet"},
                                         Reading{{0x00, "\x80\xff<"}, "get \x80\xff<"},
                                         Reading{{0x00, "k", "", "", 5}, "get k"},  // memcached: no compare
                                         Reading{{0x1d, "k", network(3, 4)}, "get k exptime=3"},
                                         Reading{{0x1e, "k", network(0, 4)}, "get k exptime=0 quiet"},
                                         Reading{{0x23, "k", network(3, 4)}, "get k exptime=3"},
                                         Reading{{0x24, "k", network(3, 4)}, "get k exptime=3 quiet"},
                                         Reading{{0x1c, "k", network(3, 4), "", 5}, "touch k exptime=3"},
                                         // without a sign: the year 2106, as in memcached
                                         Reading{{0x1c, "k", network(0xffffffff, 4)}, "touch k exptime=4294967295"}));

INSTANTIATE_TEST_SUITE_P(
    Stores, BinaryRequest,
    testing::Values(Reading{{0x01, "k", store_extras, "v"}, "set k data=v flags=7 exptime=100"},
                    Reading{{0x11, "k", store_extras, ""}, "set k flags=7 exptime=100 quiet"},
                    Reading{{0x02, "k", store_extras, "v"}, "add k data=v flags=7 exptime=100"},
                    Reading{{0x12, "k", store_extras, "v"}, "add k data=v flags=7 exptime=100 quiet"},
                    Reading{{0x03, "k", store_extras, "v"}, "replace k data=v flags=7 exptime=100"},
                    Reading{{0x13, "k", store_extras, "v"}, "replace k data=v flags=7 exptime=100 quiet"},
                    // memcached: any of them with a cas is a compare-and-swap
                    Reading{{0x01, "k", store_extras, "v", 9}, "set k data=v flags=7 exptime=100 compare=9"},
                    Reading{{0x12, "k", store_extras, "v", 9}, "set k data=v flags=7 exptime=100 compare=9 quiet"},
                    Reading{{0x03, "k", store_extras, "v", 9}, "set k data=v flags=7 exptime=100 compare=9"},
                    Reading{{0x0e, "k", "", "v"}, "append k data=v"},
                    Reading{{0x19, "k", "", "v"}, "append k data=v quiet"},
                    Reading{{0x0f, "k", "", "v", 9}, "prepend k data=v compare=9"},
                    Reading{{0x1a, "k", "", ""}, "prepend k quiet"}));

INSTANTIATE_TEST_SUITE_P(
    OtherWrites, BinaryRequest,
    testing::Values(Reading{{0x04, "k"}, "delete k"},
                    Reading{{0x14, "k", "", "", ~std::uint64_t{0}}, "delete k compare=18446744073709551615 quiet"},
                    Reading{{0x05, "k", arithmetic_extras(60)}, "incr k delta=5 initial=10 vivify=60"},
                    Reading{{0x15, "k", arithmetic_extras(0)}, "incr k delta=5 initial=10 vivify=0 quiet"},
                    Reading{{0x06, "k", arithmetic_extras(0xffffffff)}, "decr k delta=5 initial=10"},
                    Reading{{0x16, "k", arithmetic_extras(0xfffffffe), "", 9},
                            "decr k compare=9 delta=5 initial=10 vivify=4294967294 quiet"}));

INSTANTIATE_TEST_SUITE_P(OfNoKey, BinaryRequest,
                         testing::Values(Reading{{0x07}, "quit"}, Reading{{0x17}, "quit"}, Reading{{0x0a}, "noop"},
                                         Reading{{0x0b}, "version"}, Reading{{0x08}, "flush_all"},
                                         Reading{{0x18, "", network(30, 4)}, "flush_all exptime=30"},
                                         Reading{{0x10}, "stats"},
                                         Reading{{0x10, "threads slave"}, "stats rest=\"threads slave\""},
                                         Reading{{0x1b, "", network(1, 4)}, "verbosity"}));

TEST(BinaryReader, KeepsTheOpaqueAsItStoodOnTheWire) {
  RequestReader reader{memcached_limits};
  const auto bytes = request_packet({.opcode = 0x0a, .opaque = 0x01020304});
  const auto read = reader.next(bytes);
  ASSERT_EQ(read.kind, ReadResult::Kind::request);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(&read.request.binary->opaque), 4), "\x01\x02\x03\x04");
}

constexpr const char* invalid = "Invalid arguments";
constexpr const char* unknown = "Unknown command";

/// What memcached 1.6.18 without SASL answered to these, and whether it closed the connection.
struct Refusal {
  std::string name;
  Packet packet;
  std::uint16_t status = 0x04;
  bool closes = true;
};
void PrintTo(const Refusal& row, std::ostream* out) { *out << row.name; }
class RefusedPacket : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedPacket, IsAnsweredAsMemcachedDoes) {
  const auto& row = GetParam();
  const std::string text = row.status == 0x04 ? invalid : unknown;
  const auto answer = '!' + answer_packet({.opcode = row.packet.opcode, .value = text, .status = row.status});
  const auto said = read_all(request_packet(row.packet) + request_packet({0x0a}), memcached_limits);
  if (row.closes) {
    EXPECT_THAT(said, ElementsAre(answer, "closed")) << row.name;
  } else {
    EXPECT_THAT(said, ElementsAre(answer, "noop")) << row.name;
  }
}

const std::string four(4, '\0');
const std::string eight(8, '\0');
const std::string twenty(20, '\0');
const std::string key_of_251(251, 'x');

INSTANTIATE_TEST_SUITE_P(
    Forms, RefusedPacket,
    testing::Values(
        Refusal{"get without key", {0x00}}, Refusal{"get with extras", {0x00, "k", four}},
        Refusal{"get with value", {0x00, "k", "", "v"}}, Refusal{"getkq without key", {0x0d}},
        Refusal{"key too long", {0x00, key_of_251}}, Refusal{"set without key", {0x01, "", eight, "v"}},
        Refusal{"set without extras", {0x01, "k", "", "v"}}, Refusal{"addq with 4 extras", {0x12, "k", four, "v"}},
        Refusal{"set of a long key", {0x01, key_of_251, eight, "v"}},
        Refusal{"append with extras", {0x0e, "k", eight, "v"}}, Refusal{"prependq without key", {0x1a, "", "", "v"}},
        Refusal{"delete with extras", {0x04, "k", four}}, Refusal{"delete with value", {0x04, "k", "", "v"}},
        Refusal{"deleteq without key", {0x14}}, Refusal{"incr without extras", {0x05, "k"}},
        Refusal{"decrq with 21 extras", {0x16, "k", twenty + "x"}}, Refusal{"decr without key", {0x06, "", twenty}},
        Refusal{"incr with value", {0x05, "k", twenty, "v"}}, Refusal{"touch without extras", {0x1c, "k"}},
        Refusal{"gat with 8 extras", {0x1d, "k", eight}}, Refusal{"gatkq without key", {0x24, "", four}},
        Refusal{"quit with key", {0x07, "k"}}, Refusal{"quitq with extras", {0x17, "", four}},
        Refusal{"noop with value", {0x0a, "", "", "v"}}, Refusal{"version with key", {0x0b, "k"}},
        Refusal{"flush with key", {0x08, "k"}}, Refusal{"flushq with 8 extras", {0x18, "", eight}},
        Refusal{"flush with value", {0x08, "", "", "v"}}, Refusal{"stat with extras", {0x10, "items", four}},
        Refusal{"stat of a long key", {0x10, key_of_251}}, Refusal{"SASL list with key", {0x20, "PLAIN"}},
        Refusal{"SASL begin without key", {0x21}}, Refusal{"SASL step with extras", {0x22, "PLAIN", four}},
        Refusal{"unknown with a long key", {0x60, key_of_251}}));

INSTANTIATE_TEST_SUITE_P(NotServed, RefusedPacket,
                         testing::Values(Refusal{"SASL list", {0x20}, 0x81, false},
                                         Refusal{"SASL begin", {0x21, "PLAIN", "", "\0u\0p"s}, 0x81, false},
                                         Refusal{"SASL step", {0x22, "PLAIN", "", "x"}, 0x81, false},
                                         Refusal{"1f", {0x1f}, 0x81, false}, Refusal{"25", {0x25}, 0x81, false},
                                         Refusal{"ff", {0xff}, 0x81, false}));

// memcached reads the body as the next request, touch's value too.
INSTANTIATE_TEST_SUITE_P(WhereMemcachedLosesStep, RefusedPacket,
                         testing::Values(Refusal{"unknown with body", {0x60, "kk", "ee", "vv"}, 0x81, false},
                                         Refusal{"touch with value", {0x1c, "k", four, "v"}},
                                         Refusal{"stat with value", {0x10, "", "", "v"}},
                                         Refusal{"verbosity without level", {0x1b}}));

// protocol.md 9.2: these killed the original, or made it read foreign memory.
TEST(BinaryReader, ClosesAtSizesThatDoNotFitIntoTheBodyWithoutWaitingForIt) {
  const std::string answer =
      "81 00 0000 00 00 0081 0000000f deadbeef 0000000000000000 556e6b6e6f776e20636f6d6d616e64";  // memcached's
  EXPECT_THAT(read_all(bare_header(0x00, 2, 0, 1), memcached_limits),
              ElementsAre('!' + test::from_hex(answer), "closed"));
  for (const auto& header : {bare_header(0x01, 9, 8, 16), bare_header(0x01, 1, 200, 9), bare_header(0x10, 5, 0, 0)}) {
    const auto said = read_all(header, memcached_limits);
    ASSERT_EQ(said.size(), 2u);
    EXPECT_EQ(said[1], "closed");
  }
}

TEST(BinaryReader, ClosesAtAHugeBodyOfARequestThatHasNone) {
  for (const std::uint8_t opcode :
       std::initializer_list<std::uint8_t>{0x00, 0x04, 0x07, 0x08, 0x0a, 0x0b, 0x10, 0x1b, 0x20}) {
    const auto said = read_all(bare_header(opcode, 0, 0, 0x80000000), memcached_limits);
    ASSERT_EQ(said.size(), 2u) << int{opcode};
    EXPECT_EQ(said[1], "closed");
  }
}

// As a text value of that size (protocol.md 9.1): answered before its bytes, which are never kept.
TEST(BinaryReader, AnswersAHugeValueAtOnceAndKeepsNothingOfIt) {
  for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{0x01, 0x12, 0x60}) {
    ReaderDriver driver{memcached_limits};
    driver.feed(bare_header(opcode, 1, opcode == 0x60 ? 0 : 8, 0xffffffff));
    ASSERT_EQ(driver.said().size(), 1u);
    EXPECT_EQ(driver.said()[0].substr(1 + 24), opcode == 0x60 ? "Unknown command" : "Too large.");
    const std::string piece(1 << 20, '\x80');
    for (int i = 0; i < 16; ++i) {
      driver.feed(piece);
      ASSERT_EQ(driver.unread_bytes(), 0u);
    }
    EXPECT_EQ(driver.said().size(), 1u);
  }
}

TEST(BinaryReader, TakesTheLargestValueAndSkipsALargerOne) {
  const auto noop = request_packet({0x0a});
  const std::string largest(1024, 'v');
  EXPECT_EQ(read_one(request_packet({0x11, "k", eight, largest})), "set k data=" + largest + " exptime=0 quiet");
  const auto answer = answer_packet({.opcode = 0x11, .value = "Too large.", .status = 0x03});
  EXPECT_THAT(read_all(request_packet({0x11, "k", eight, largest + 'v'}) + noop, memcached_limits),
              ElementsAre('!' + answer, "noop"));
}

TEST(BinaryReader, TakesTheLongestKey) {
  const std::string longest(250, 'k');
  EXPECT_EQ(read_one(request_packet({0x00, longest})), "get " + longest);
}

// docs/design.md 2, protocol.md 9.4: such a key would be a command at the next node.
TEST(BinaryReader, RefusesKeysThatAreNoWordOfTheTextProtocolAndGoesOn) {
  const auto answer =
      answer_packet({.opcode = 0x0c, .value = "Invalid key: spaces and control bytes are not taken", .status = 0x04});
  for (const auto& key : {"a b"s, " "s, "a\r\nflush_all\r\n"s, "\0"s, "a\t"s, "a\x7f"s, "\x1f"s}) {
    EXPECT_THAT(read_all(request_packet({0x0c, key}) + request_packet({0x0a}), memcached_limits),
                ElementsAre('!' + answer, "noop"))
        << to_hex(key);
  }
  EXPECT_THAT(read_all(request_packet({0x10, "items\r\nflush_all"}) + request_packet({0x0a}), memcached_limits),
              ElementsAre(testing::HasSubstr("Invalid key"), "noop"));
}

std::string mixed_pipeline() {
  return "set t 0 0 2\r\n\x80\x81\r\n" + request_packet({0x01, "k", eight, "ping\r\n"}) + "get k\r\n" +
         request_packet({0x0d, "k"}) + request_packet({0x60, "kk", "", "get x\r\n"}) + "\r\n" +
         request_packet({0x00, "a b"}) + request_packet({0x01, "k", eight, std::string(1025, '\x80')}) + "ping\r\n" +
         "\x81\r\n" + request_packet({0x0a}) + "set k 0 0 1025\r\n" + std::string(1025, '\x80') + "\r\n" +
         request_packet({0x10, "items"}) + "version\n" + request_packet({0x04});
}

TEST(BinaryReader, ReadsTextAndPacketsOnOneConnectionCutAtEveryPointAlike) {
  const auto pipeline = mixed_pipeline();
  const auto whole = read_all(pipeline, memcached_limits);
  ASSERT_EQ(whole.size(), 16u);
  EXPECT_EQ(whole.front(), "set key=t data=\"\x80\x81\"");
  EXPECT_EQ(whole[9], "!ERROR\r\n");
  EXPECT_EQ(whole.back(), "closed");
  for (std::size_t cut = 0; cut <= pipeline.size(); ++cut) {
    ReaderDriver driver{memcached_limits};
    driver.feed(pipeline.substr(0, cut));
    driver.feed(pipeline.substr(cut));
    ASSERT_EQ(driver.said(), whole) << cut;
  }
}

TEST(BinaryReader, ReadsPacketsInPiecesOfAnySizeAlike) {
  const auto pipeline = mixed_pipeline();
  const auto whole = read_all(pipeline, memcached_limits);
  for (std::size_t bytes = 1; bytes < 60; ++bytes) {
    ReaderDriver driver{memcached_limits};
    for (std::size_t begin = 0; begin < pipeline.size(); begin += bytes) driver.feed(pipeline.substr(begin, bytes));
    ASSERT_EQ(driver.said(), whole) << bytes;
  }
}

TEST(BinaryReader, TellsHowManyBytesItWaitsFor) {
  RequestReader reader{memcached_limits};
  EXPECT_EQ(reader.next("\x80").bytes_needed, 24u);
  const auto bytes = request_packet({0x01, "k", eight, "hello"});
  const auto read = reader.next(std::string_view{bytes}.substr(0, 30));
  EXPECT_EQ(read.kind, ReadResult::Kind::need_more);
  EXPECT_EQ(read.bytes_needed, 24u + 8 + 1 + 5);
  EXPECT_EQ(read.consumed, 0u);
}

}  // namespace
}  // namespace flare
