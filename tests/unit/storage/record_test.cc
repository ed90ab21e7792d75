#include "flared/storage/record.h"

#include <gtest/gtest.h>

#include <string>

namespace flare {
namespace {

using namespace std::string_literals;

// protocol.md 7: `set k1 3735928559 4000000000 5 258` / `hello`
const std::string example =
    "\xEF\xBE\xAD\xDE"
    "\x00\x28\x6B\xEE\x00\x00\x00\x00"
    "\x05\x00\x00\x00\x00\x00\x00\x00"
    "\x02\x01\x00\x00\x00\x00\x00\x00"
    "hello"s;

TEST(RecordBytes, AreTheOriginals) {
  const auto header = encode_record_header(3735928559U, 4000000000, RecordVersion{258}, 5);
  EXPECT_EQ(std::string(header.data(), header.size()) + "hello", example);
}

TEST(RecordBytes, ReadBack) {
  const auto record = decode_record(example);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->flags, 3735928559U);
  EXPECT_EQ(record->expire_s, 4000000000);
  EXPECT_EQ(record->version, RecordVersion{258});
  EXPECT_EQ(record->data, "hello");
}

TEST(RecordBytes, OfAnotherLengthAreDamaged) {
  EXPECT_FALSE(decode_record(""));
  EXPECT_FALSE(decode_record(example.substr(0, 27)));
  EXPECT_FALSE(decode_record(example.substr(0, example.size() - 1)));
  EXPECT_FALSE(decode_record(example + "x"));
}

TEST(RecordBytes, ExpireAtTheirSecond) {
  EXPECT_FALSE((RecordView{.expire_s = 0}).expired(100));
  EXPECT_FALSE((RecordView{.expire_s = 101}).expired(100));
  EXPECT_TRUE((RecordView{.expire_s = 100}).expired(100));
}

}  // namespace
}  // namespace flare
