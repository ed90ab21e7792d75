#include "common/protocol/binary_answer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "support/binary_packets.h"

namespace flare {
namespace {

using test::answer_packet;
using test::to_hex;

BinaryHeader header_of(std::uint8_t opcode) {
  BinaryHeader header;
  header.opcode = opcode;
  std::memcpy(&header.opaque, "\xde\xad\xbe\xef", 4);
  return header;
}

std::string packets_of(std::uint8_t opcode, std::string_view text) {
  OutputBuffer out;
  append_binary_of_text(out, header_of(opcode), text);
  return to_hex(out.view());
}

TEST(BinaryAnswer, RepeatsOpcodeAndOpaque) {
  OutputBuffer out;
  append_binary_answer(out, header_of(0x0a), BinaryStatus::success, {});
  EXPECT_EQ(to_hex(out.view()), "810a00000000000000000000deadbeef0000000000000000");
}

TEST(BinaryAnswer, OfAVersionIsTheNumberAlone) {
  EXPECT_EQ(packets_of(0x0b, "VERSION 1.6.18\r\n"),
            "810b00000000000000000006deadbeef0000000000000000312e362e3138");  // memcached's
}

TEST(BinaryAnswer, OfStatsIsAPacketForEachLineAndAnEmptyOne) {
  const auto pid = "811000030000000000000007deadbeef0000000000000000706964" + to_hex("6359");  // memcached's
  const auto end = "811000000000000000000000deadbeef0000000000000000";
  EXPECT_EQ(packets_of(0x10, "STAT pid 6359\r\nEND\r\n"), pid + end);
  EXPECT_EQ(packets_of(0x10, "STAT a b c\r\nSTAT empty \r\nSTAT bare\r\nEND\r\n"),
            to_hex(answer_packet({.opcode = 0x10, .key = "a", .value = "b c"}) +
                   answer_packet({.opcode = 0x10, .key = "empty"}) + answer_packet({.opcode = 0x10, .key = "bare"})) +
                end);
  EXPECT_EQ(packets_of(0x10, "END\r\n"), end);
  EXPECT_EQ(packets_of(0x10, "RESET\r\n"), end);
}

TEST(BinaryAnswer, OfAnUnknownStatIsNotFound) {
  EXPECT_EQ(packets_of(0x10, "ERROR\r\n"),
            "811000000000000100000009deadbeef00000000000000004e6f7420666f756e64");  // memcached's
}

TEST(BinaryAnswer, OfOkIsUnsaidByQuietOpcodesOnly) {
  EXPECT_EQ(packets_of(0x08, "OK\r\n"), to_hex(answer_packet({.opcode = 0x08})));
  EXPECT_EQ(packets_of(0x07, "OK\r\n"), to_hex(answer_packet({.opcode = 0x07})));
  EXPECT_EQ(packets_of(0x1b, "OK\r\n"), to_hex(answer_packet({.opcode = 0x1b})));
  EXPECT_EQ(packets_of(0x18, "OK\r\n"), "");
  EXPECT_EQ(packets_of(0x17, "OK\r\n"), "");
}

TEST(BinaryAnswer, OfAnErrorIsToldByQuietOpcodesToo) {
  const std::string refusal = "flush_all refused: this node is a slave, flush its master";
  EXPECT_EQ(packets_of(0x18, "SERVER_ERROR " + refusal + "\r\n"),
            to_hex(answer_packet({.opcode = 0x18, .value = refusal, .status = 0x84})));
  EXPECT_EQ(packets_of(0x08, "CLIENT_ERROR access denied (class admin needed)\r\n"),
            to_hex(answer_packet({.opcode = 0x08, .value = "access denied (class admin needed)", .status = 0x20})));
}

TEST(BinaryAnswer, OfNoTextIsNone) { EXPECT_EQ(packets_of(0x10, ""), ""); }

}  // namespace
}  // namespace flare
