#include <gtest/gtest.h>

#include <initializer_list>
#include <ostream>
#include <string>

#include "common/protocol/item_answer.h"
#include "common/protocol/request_reader.h"
#include "support/binary_packets.h"

namespace flare {
namespace {

using namespace std::string_literals;
using test::from_hex;
using test::network;
using test::Packet;
using test::request_packet;
using test::to_hex;

const std::string four(4, '\0');
const std::string eight(8, '\0');
const std::string twenty(20, '\0');

/// The answer to a packet that was read as sessions read it.
std::string answer_to(const Packet& packet, const ItemResult& result) {
  const auto bytes = request_packet(packet);
  RequestReader reader{ReaderLimits{}};
  const auto read = reader.next(bytes);
  if (read.kind != ReadResult::Kind::request || !read.request.item) return "no request for a key";
  OutputBuffer out;
  append_item_answer(out, *read.request.item, result, 1'800'000'000);
  return to_hex(out.view());
}

ItemResult with(ItemStatus status) {
  ItemResult result;
  result.status = status;
  return result;
}

ItemResult entry() {
  auto result = with(ItemStatus::done);
  result.version = 3;
  result.flags = 7;
  result.data = "hello";
  result.data_bytes = 5;
  return result;
}

ItemResult number() {
  auto result = with(ItemStatus::done);
  result.version = 19;
  result.number = 0x0102030405060708;
  return result;
}

ItemResult stored() {
  auto result = with(ItemStatus::done);
  result.version = 0x0102030405060708;
  return result;
}

ItemResult failed_with(std::string_view error) {
  auto result = with(ItemStatus::failed);
  result.error = error;
  return result;
}

/// Bytes of memcached 1.6.18, its cas apart: magic, opcode, key, extras, type, status, body, opaque, cas, body.
struct Row {
  Packet packet;
  ItemResult result;
  std::string hex;
};
void PrintTo(const Row& row, std::ostream* out) { *out << int{row.packet.opcode} << " -> " << row.hex; }
class BinaryItemAnswer : public testing::TestWithParam<Row> {};

TEST_P(BinaryItemAnswer, IsTheOneOfMemcached) {
  EXPECT_EQ(answer_to(GetParam().packet, GetParam().result), to_hex(from_hex(GetParam().hex)));
}

INSTANTIATE_TEST_SUITE_P(
    Hits, BinaryItemAnswer,
    testing::Values(
        Row{{0x00, "k"}, entry(), "8100 0000 04 00 0000 00000009 deadbeef 0000000000000003 00000007 68656c6c6f"},
        Row{{0x09, "k"}, entry(), "8109 0000 04 00 0000 00000009 deadbeef 0000000000000003 00000007 68656c6c6f"},
        Row{{0x0c, "k"}, entry(), "810c 0001 04 00 0000 0000000a deadbeef 0000000000000003 00000007 6b 68656c6c6f"},
        Row{{0x0d, "k"}, entry(), "810d 0001 04 00 0000 0000000a deadbeef 0000000000000003 00000007 6b 68656c6c6f"},
        Row{{0x1d, "k", four}, entry(), "811d 0000 04 00 0000 00000009 deadbeef 0000000000000003 00000007 68656c6c6f"},
        Row{{0x1e, "k", four}, entry(), "811e 0000 04 00 0000 00000009 deadbeef 0000000000000003 00000007 68656c6c6f"},
        Row{{0x23, "k", four},
            entry(),
            "8123 0001 04 00 0000 0000000a deadbeef 0000000000000003 00000007 6b 68656c6c6f"},
        Row{{0x24, "k", four},
            entry(),
            "8124 0001 04 00 0000 0000000a deadbeef 0000000000000003 00000007 6b 68656c6c6f"},
        Row{{0x1c, "k", four}, entry(), "811c 0000 04 00 0000 00000004 deadbeef 0000000000000003 00000007"}));

const std::string not_found = "00000009 deadbeef 0000000000000000 4e6f7420666f756e64";
const std::string not_stored = "0000000b deadbeef 0000000000000000 4e6f742073746f7265642e";
const std::string exists = "00000014 deadbeef 0000000000000000 446174612065786973747320666f72206b65792e";

INSTANTIATE_TEST_SUITE_P(
    Misses, BinaryItemAnswer,
    testing::Values(Row{{0x00, "nokey"}, with(ItemStatus::missing), "8100 0000 00 00 0001 " + not_found},
                    Row{{0x09, "nokey"}, with(ItemStatus::missing), ""},
                    Row{{0x0c, "nokey"},
                        with(ItemStatus::missing),
                        "810c 0005 00 00 0001 00000005 deadbeef 0000000000000000 6e6f6b6579"},
                    Row{{0x0d, "nokey"}, with(ItemStatus::missing), ""},
                    Row{{0x1d, "nokey", four}, with(ItemStatus::missing), "811d 0000 00 00 0001 " + not_found},
                    Row{{0x1e, "nokey", four}, with(ItemStatus::missing), ""},
                    Row{{0x23, "nokey", four},
                        with(ItemStatus::missing),
                        "8123 0005 00 00 0001 00000005 deadbeef 0000000000000000 6e6f6b6579"},
                    Row{{0x24, "nokey", four}, with(ItemStatus::missing), ""},
                    Row{{0x1c, "nokey", four}, with(ItemStatus::missing), "811c 0000 00 00 0001 " + not_found}));

INSTANTIATE_TEST_SUITE_P(
    Stores, BinaryItemAnswer,
    testing::Values(Row{{0x01, "k", eight, "v"}, stored(), "8101 0000 00 00 0000 00000000 deadbeef 0102030405060708"},
                    Row{{0x02, "k", eight, "v"}, stored(), "8102 0000 00 00 0000 00000000 deadbeef 0102030405060708"},
                    Row{{0x0f, "k", "", "v"}, stored(), "810f 0000 00 00 0000 00000000 deadbeef 0102030405060708"},
                    Row{{0x11, "k", eight, "v"}, stored(), ""}, Row{{0x12, "k", eight, "v"}, stored(), ""},
                    Row{{0x13, "k", eight, "v"}, stored(), ""}, Row{{0x19, "k", "", "v"}, stored(), ""},
                    Row{{0x1a, "k", "", "v"}, stored(), ""}));

// Quiet opcodes say them too.
INSTANTIATE_TEST_SUITE_P(
    RefusedStores, BinaryItemAnswer,
    testing::Values(Row{{0x02, "k", eight, "v"}, with(ItemStatus::not_stored), "8102 0000 00 00 0002 " + exists},
                    Row{{0x12, "k", eight, "v"}, with(ItemStatus::not_stored), "8112 0000 00 00 0002 " + exists},
                    Row{{0x03, "k", eight, "v"}, with(ItemStatus::not_stored), "8103 0000 00 00 0001 " + not_found},
                    Row{{0x13, "k", eight, "v"}, with(ItemStatus::not_stored), "8113 0000 00 00 0001 " + not_found},
                    Row{{0x0e, "k", "", "v"}, with(ItemStatus::not_stored), "810e 0000 00 00 0005 " + not_stored},
                    Row{{0x1a, "k", "", "v"}, with(ItemStatus::not_stored), "811a 0000 00 00 0005 " + not_stored},
                    Row{{0x19, "k", "", "v", 5}, with(ItemStatus::missing), "8119 0000 00 00 0005 " + not_stored},
                    Row{{0x01, "k", eight, "v", 5}, with(ItemStatus::exists), "8101 0000 00 00 0002 " + exists},
                    Row{{0x12, "k", eight, "v", 5}, with(ItemStatus::missing), "8112 0000 00 00 0001 " + not_found},
                    Row{{0x11, "k", eight, "v"},
                        with(ItemStatus::too_large),
                        "8111 0000 00 00 0003 0000000a deadbeef 0000000000000000 546f6f206c617267652e"}));

INSTANTIATE_TEST_SUITE_P(
    DeletesAndNumbers, BinaryItemAnswer,
    testing::Values(
        Row{{0x04, "k"}, stored(), "8104 0000 00 00 0000 00000000 deadbeef 0000000000000000"},
        Row{{0x14, "k"}, stored(), ""},
        Row{{0x04, "k"}, with(ItemStatus::missing), "8104 0000 00 00 0001 " + not_found},
        Row{{0x14, "k"}, with(ItemStatus::missing), "8114 0000 00 00 0001 " + not_found},
        Row{{0x14, "k", "", "", 5}, with(ItemStatus::exists), "8114 0000 00 00 0002 " + exists},
        Row{{0x05, "k", twenty}, number(), "8105 0000 00 00 0000 00000008 deadbeef 0000000000000013 0102030405060708"},
        Row{{0x06, "k", twenty}, number(), "8106 0000 00 00 0000 00000008 deadbeef 0000000000000013 0102030405060708"},
        Row{{0x15, "k", twenty}, number(), ""}, Row{{0x16, "k", twenty}, number(), ""},
        Row{{0x16, "k", twenty}, with(ItemStatus::missing), "8116 0000 00 00 0001 " + not_found},
        Row{{0x15, "k", twenty},
            with(ItemStatus::non_numeric),
            "8115 0000 00 00 0006 0000002e deadbeef 0000000000000000"
            "4e6f6e2d6e756d65726963207365727665722d736964652076616c756520666f7220696e6372206f722064656372"}));

struct Failure {
  std::string error;
  std::uint16_t status;
  std::string text;
};
void PrintTo(const Failure& row, std::ostream* out) { *out << row.error; }
class FailedBinaryItem : public testing::TestWithParam<Failure> {};

TEST_P(FailedBinaryItem, IsToldToLoudAndQuietOpcodes) {
  const auto& row = GetParam();
  for (const std::uint8_t opcode : std::initializer_list<std::uint8_t>{0x01, 0x11}) {
    EXPECT_EQ(answer_to({opcode, "k", eight, "v"}, failed_with(row.error)),
              to_hex(test::answer_packet({.opcode = opcode, .value = row.text, .status = row.status})));
  }
  EXPECT_EQ(answer_to({0x0d, "k"}, failed_with(row.error)),
            to_hex(test::answer_packet({.opcode = 0x0d, .value = row.text, .status = row.status})));
}

INSTANTIATE_TEST_SUITE_P(
    Errors, FailedBinaryItem,
    testing::Values(
        Failure{"SERVER_ERROR no partition available\r\n", 0x84, "no partition available"},
        Failure{"SERVER_ERROR proxy error\r\n", 0x84, "proxy error"},
        Failure{"SERVER_ERROR i/o error\r\n", 0x84, "i/o error"},
        Failure{"SERVER_ERROR quota exceeded (max-ops-per-second)\r\n", 0x84, "quota exceeded (max-ops-per-second)"},
        Failure{"SERVER_ERROR out of memory storing object\r\n", 0x82, "out of memory storing object"},
        Failure{"SERVER_ERROR out of disk space\r\n", 0x82, "out of disk space"},
        Failure{"SERVER_ERROR quota exceeded (max-bytes)\r\n", 0x82, "quota exceeded (max-bytes)"},
        Failure{"SERVER_ERROR quota exceeded (max-items)\r\n", 0x82, "quota exceeded (max-items)"},
        Failure{"SERVER_ERROR object too large for cache\r\n", 0x03, "Too large."},
        Failure{"CLIENT_ERROR access denied (class data needed)\r\n", 0x20, "access denied (class data needed)"},
        Failure{"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n", 0x06,
                "Non-numeric server-side value for incr or decr"},
        Failure{"CLIENT_ERROR bad data chunk\r\n", 0x04, "bad data chunk"},
        Failure{"ERROR\r\n", 0x81, "Unknown command"},
        Failure{"ERROR Too many open connections\r\n", 0x84, "Too many open connections"}, Failure{"", 0x84, ""}));

}  // namespace
}  // namespace flare
