#include "common/protocol/key_prefix.h"

#include <gtest/gtest.h>

#include "common/protocol/item_answer.h"
#include "common/protocol/request_reader.h"
#include "support/binary_packets.h"

/// docs/security.md, tenants by key prefix: where requests get it, and where answers lose it.
namespace flare {
namespace {

using test::network;
using test::Packet;

/// The keys as the store gets them, a space between; `-`: none.
std::string keys_of(std::string_view sent, std::string_view prefix = "p:") {
  RequestReader reader{ReaderLimits{}};
  auto read = reader.next(sent);
  if (read.kind != ReadResult::Kind::request) return "no request";
  KeyPrefixer prefixer;
  const auto words_before = read.request.rest;
  prefixer.apply(prefix, read.request);
  switch (keys_at(read.request)) {
    case KeysAt::nowhere:
      EXPECT_EQ(read.request.rest, words_before);
      return "-";
    case KeysAt::key:
      return std::string{read.request.key};
    case KeysAt::item:
      EXPECT_EQ(read.request.item->hidden_key_bytes, prefix.size());
      return std::string{read.request.item->key};
    case KeysAt::words:
      break;
  }
  std::string keys;
  KeyWords words{read.request.rest, &prefixer, prefix};
  for (auto key = words.next(); !key.empty(); key = words.next()) keys += (keys.empty() ? "" : " ") + std::string{key};
  return keys;
}

TEST(KeyPrefixerTest, ReachesTheKeysOfEachTextCommand) {
  const std::pair<std::string, std::string> cases[] = {
      {"get a", "p:a"},
      {"get a b  a", "p:a p:b p:a"},
      {"gets a b", "p:a p:b"},
      {"gat 10 a b", "p:a p:b"},
      {"gats 10 a", "p:a"},
      {"gat a 10", "p:a"},
      {"set a 1 2 1\r\nx", "p:a"},
      {"add a 1 2 1\r\nx", "p:a"},
      {"replace a 1 2 1\r\nx", "p:a"},
      {"append a 1 2 1\r\nx", "p:a"},
      {"prepend a 1 2 1\r\nx", "p:a"},
      {"cas a 1 2 1 9\r\nx", "p:a"},
      {"incr a 1", "p:a"},
      {"decr a 1", "p:a"},
      {"delete a", "p:a"},
      {"touch a 1", "p:a"},
      {"mg a v", "p:a"},
      {"mg YQ== b v", "p:a"},
      {"ms a 1\r\nx", "p:a"},
      {"md a", "p:a"},
      {"ma a", "p:a"},
      {"me a", "p:a"},
      {"stats items", "-"},
      {"version", "-"},
      {"flush_all", "-"},
      {"mn", "-"},
  };
  for (const auto& [sent, keys] : cases) EXPECT_EQ(keys_of(sent + "\r\n"), keys) << sent;
}

TEST(KeyPrefixerTest, ReachesTheKeyOfEachBinaryOpcode) {
  const auto store = network(0, 8);
  const auto time = network(10, 4);
  const auto arithmetic = network(1, 8) + network(1, 8) + network(0, 4);
  for (const int opcode : {0x00, 0x09, 0x0c, 0x0d, 0x04, 0x14}) {
    EXPECT_EQ(keys_of(test::request_packet({static_cast<std::uint8_t>(opcode), "a\xff"})), "p:a\xff") << opcode;
  }
  for (const int opcode : {0x01, 0x02, 0x03, 0x11, 0x12, 0x13}) {
    EXPECT_EQ(keys_of(test::request_packet({static_cast<std::uint8_t>(opcode), "a", store, "v"})), "p:a") << opcode;
  }
  for (const int opcode : {0x0e, 0x0f, 0x19, 0x1a}) {
    EXPECT_EQ(keys_of(test::request_packet({static_cast<std::uint8_t>(opcode), "a", "", "v"})), "p:a") << opcode;
  }
  for (const int opcode : {0x05, 0x06, 0x15, 0x16}) {
    EXPECT_EQ(keys_of(test::request_packet({static_cast<std::uint8_t>(opcode), "a", arithmetic})), "p:a") << opcode;
  }
  for (const int opcode : {0x1c, 0x1d, 0x1e, 0x23, 0x24}) {
    EXPECT_EQ(keys_of(test::request_packet({static_cast<std::uint8_t>(opcode), "a", time})), "p:a") << opcode;
  }
  EXPECT_EQ(keys_of(test::request_packet({0x10, "items"})), "-");
  EXPECT_EQ(keys_of(test::request_packet({0x0a})), "-");
}

std::string answer_to(std::string_view sent, const ItemResult& result, std::string_view prefix) {
  RequestReader reader{ReaderLimits{}};
  auto read = reader.next(sent);
  KeyPrefixer prefixer;
  prefixer.apply(prefix, read.request);
  OutputBuffer out;
  append_item_answer(out, *read.request.item, result, 0);
  return std::string{out.view()};
}

TEST(KeyPrefixerTest, IsNotToldInItemAnswers) {
  auto entry = with_status(ItemStatus::done);
  entry.data = "v";
  entry.data_bytes = 1;
  // The prefix that makes the whole key as long as its base64 form was the trap: `b` is told by lengths.
  for (const std::string prefix : {"p:", "abc", "a longer prefix:"}) {
    EXPECT_EQ(answer_to("mg a k v\r\n", entry, prefix), "VA 1 ka\r\nv\r\n");
    EXPECT_EQ(answer_to("mg YQ== b k v\r\n", entry, prefix), "VA 1 kYQ== b\r\nv\r\n");
    EXPECT_EQ(answer_to("md a k\r\n", with_status(ItemStatus::missing), prefix), "NF ka\r\n");
    EXPECT_TRUE(answer_to("me a\r\n", entry, prefix).starts_with("ME a exp=")) << prefix;
    const auto getk = answer_to(test::request_packet({0x0c, "a"}), entry, prefix);
    EXPECT_EQ(getk.substr(24), std::string(4, '\0') + "av");
    const auto missed = answer_to(test::request_packet({0x0c, "a"}), with_status(ItemStatus::missing), prefix);
    EXPECT_EQ(missed.substr(24), "a");
  }
}

TEST(KeyWordsTest, AreAsTheyAreWithoutAPrefix) {
  KeyWords words{" a  b", nullptr, {}};
  EXPECT_EQ(words.next(), "a");
  EXPECT_EQ(words.next(), "b");
  EXPECT_EQ(words.next(), "");
}

}  // namespace
}  // namespace flare
