#include "flared/replication/stream_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "common/base/limits.h"

namespace flare::stream {
namespace {

constexpr std::size_t data_bytes_max = 1000;

LogEntry stored(EntryKind kind) {
  LogEntry entry;
  entry.kind = kind;
  entry.epoch = Epoch{7};
  entry.sequence = Sequence{41};
  entry.key = "key";
  entry.version = RecordVersion{1099511627776};
  entry.flags = 4294967295;
  entry.expire_s = 1700000000;
  entry.data = "a\r\nb";
  return entry;
}

LogEntry removed() {
  LogEntry entry;
  entry.kind = EntryKind::remove;
  entry.epoch = Epoch{7};
  entry.sequence = Sequence{42};
  entry.key = "key";
  entry.version = RecordVersion{3};
  entry.expire_s = 1700000000;
  return entry;
}

LogEntry emptied() {
  LogEntry entry;
  entry.kind = EntryKind::flush;
  entry.epoch = Epoch{7};
  entry.sequence = Sequence{43};
  return entry;
}

struct Line {
  Message message;
  std::string bytes;
};

std::vector<Line> lines() {
  return {
      {Ok{{LogId{0xabc}, Epoch{7}, Sequence{40}}}, "OK 0000000000000abc 7 40\r\n"},
      {SnapshotBegin{{LogId{1}, Epoch{7}, Sequence{40}}, {{Epoch{7}, Sequence{40}}}, 12},
       "SNAPSHOT 0000000000000001 7 40 7:40 12\r\n"},
      {Record{"key", {5, -1, RecordVersion{9}, "data"}}, "RECORD 9 5 -1 4 key\r\ndata\r\n"},
      {Record{"a b%\n", {0, 0, RecordVersion{1}, ""}}, "RECORD 1 0 0 0 a%20b%25%0A\r\n\r\n"},
      {Deleted{"gone key", RecordVersion{9}, 1700000050}, "DELETED 9 1700000050 gone%20key\r\n"},
      {SnapshotEnd{12, 0xff}, "SNAPSHOT-END 12 00000000000000ff\r\n"},
      {Entry{stored(EntryKind::set)}, "SET 7 41 1099511627776 4294967295 1700000000 4 key\r\na\r\nb\r\n"},
      {Entry{stored(EntryKind::touch)}, "TOUCH 7 41 1099511627776 4294967295 1700000000 4 key\r\na\r\nb\r\n"},
      {Entry{removed()}, "DELETE 7 42 3 1700000000 key\r\n"},
      {Entry{emptied()}, "FLUSH 7 43\r\n"},
      {Ping{Epoch{7}, Sequence{43}, 99}, "PING 7 43 99\r\n"},
      {InSync{Epoch{7}, Sequence{43}}, "INSYNC 7 43\r\n"},
      {Ack{Epoch{7}, Sequence{43}, Sequence{42}, 99}, "ACK 7 43 42 99\r\n"},
      {Common{{LogId{0xabc}, Epoch{7}, Sequence{40}}}, "COMMON 0000000000000abc 7 40\r\n"},
      {Key{"a b"}, "KEY a%20b\r\n"},
      {Keys{3}, "KEYS 3\r\n"},
      {KeysEnd{Sequence{44}, 3, 0xff}, "KEYS-END 44 3 00000000000000ff\r\n"},
      {Refusal{"SERVER_ERROR not master"}, "SERVER_ERROR not master\r\n"},
  };
}

std::string encode(const Message& message) {
  std::string out;
  std::visit([&](const auto& kind) { append(out, kind); }, message);
  return out;
}

TEST(StreamCodec, WritesTheLinesOfTheProtocol) {
  for (const auto& line : lines()) EXPECT_EQ(encode(line.message), line.bytes);
}

TEST(StreamCodec, WritesBackWhatItReads) {
  for (const auto& line : lines()) {
    Decoder decoder{data_bytes_max};
    std::string_view unread{line.bytes};
    const auto decoded = decoder.next(unread);
    ASSERT_TRUE(decoded && *decoded) << line.bytes;
    EXPECT_TRUE(unread.empty());
    EXPECT_EQ((*decoded)->raw, line.bytes);
    EXPECT_EQ(encode((*decoded)->message), line.bytes);
  }
}

TEST(StreamCodec, TakesNothingUntilAMessageIsWhole) {
  for (const auto& line : lines()) {
    for (std::size_t size = 0; size < line.bytes.size(); ++size) {
      Decoder decoder{data_bytes_max};
      auto unread = std::string_view{line.bytes}.substr(0, size);
      const auto decoded = decoder.next(unread);
      ASSERT_TRUE(decoded) << line.bytes << " cut at " << size;
      EXPECT_FALSE(*decoded);
      EXPECT_EQ(unread.size(), size);
    }
  }
}

struct BadLine {
  const char* bytes;
  CodecError error;
};
class BadMessage : public testing::TestWithParam<BadLine> {};

TEST_P(BadMessage, IsRefused) {
  Decoder decoder{data_bytes_max};
  std::string_view unread{GetParam().bytes};
  const auto decoded = decoder.next(unread);
  ASSERT_FALSE(decoded) << GetParam().bytes;
  EXPECT_EQ(decoded.error(), GetParam().error) << GetParam().bytes << to_text(decoded.error());
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadMessage,
    testing::Values(
        BadLine{"\r\n", CodecError::unknown_word}, BadLine{"\n", CodecError::missing_line_end},
        BadLine{"PING 1 2 3\n", CodecError::missing_line_end}, BadLine{"STORED\r\n", CodecError::unknown_word},
        BadLine{"PING 1 2\r\n", CodecError::bad_number}, BadLine{"PING 1 2 3 4 5\r\n", CodecError::surplus_word},
        BadLine{"PING 1 2 3 x\r\n", CodecError::bad_number}, BadLine{"PING -1 2 3\r\n", CodecError::bad_number},
        BadLine{"ACK 1 2 99999999999999999999 4\r\n", CodecError::bad_number},
        BadLine{"SET 1 2 3 4 5 1001 k\r\n", CodecError::data_too_large},
        BadLine{"SET 1 2 3 4294967296 5 1 k\r\n", CodecError::bad_number},
        BadLine{"SET 1 2 3 4 5 1 \r\n", CodecError::bad_key},
        BadLine{"SET 1 2 3 4 5 1 a b\r\n", CodecError::surplus_word},
        BadLine{"SET 1 2 3 4 5 1 a%2\r\n", CodecError::bad_key},
        BadLine{"SET 1 2 3 4 5 1 a%41\r\n", CodecError::bad_key},
        BadLine{"SET 1 2 3 4 5 1 k\r\nxyz", CodecError::missing_line_end}, BadLine{"KEY \r\n", CodecError::bad_key},
        BadLine{"KEY a b\r\n", CodecError::surplus_word}, BadLine{"KEYS -1\r\n", CodecError::bad_number},
        BadLine{"KEYS-END 1 2\r\n", CodecError::bad_number}, BadLine{"COMMON 1 2\r\n", CodecError::bad_number},
        BadLine{"COMMON 1 2 3 4\r\n", CodecError::surplus_word},
        BadLine{"SNAPSHOT 1 2 3 4 5\r\n", CodecError::bad_epochs},
        BadLine{"SNAPSHOT-END 1 xyz\r\n", CodecError::bad_number}));

TEST(StreamCodec, BoundsLinesAndKeys) {
  Decoder decoder{data_bytes_max};
  const std::string endless(limits::line_bytes_max, 'x');
  std::string_view unread{endless};
  EXPECT_EQ(decoder.next(unread).error(), CodecError::line_too_long);

  const std::string longest(limits::key_bytes_max, ' ');  // each byte escaped
  const auto fits = encode(Record{longest, {}});
  unread = fits;
  const auto decoded = decoder.next(unread);
  ASSERT_TRUE(decoded && *decoded);
  EXPECT_EQ(std::get<Record>((*decoded)->message).key, longest);
  const auto longer = encode(Record{longest + 'x', {}});
  unread = longer;
  EXPECT_EQ(decoder.next(unread).error(), CodecError::bad_key);
}

// The fuzz target's property on random changes of good lines: never a crash, and what is accepted is written back
// alike.
TEST(StreamCodec, SurvivesChangedBytes) {
  std::mt19937 random{1};
  const auto good = lines();
  for (int round = 0; round < 20000; ++round) {
    auto bytes = good[random() % good.size()].bytes;
    for (auto changes = random() % 4; changes > 0; --changes) {
      bytes[random() % bytes.size()] =
          static_cast<char>(random() % 3 == 0 ? random() % 256 : "09 %\r\nAz-:,"[random() % 11]);
    }
    Decoder decoder{data_bytes_max};
    std::string_view unread{bytes};
    const auto decoded = decoder.next(unread);
    if (!decoded || !*decoded) continue;
    const auto again = encode((*decoded)->message);
    Decoder second{data_bytes_max};
    std::string_view unread_again{again};
    const auto redecoded = second.next(unread_again);
    ASSERT_TRUE(redecoded && *redecoded) << bytes;
    EXPECT_EQ(encode((*redecoded)->message), again);
  }
}

}  // namespace
}  // namespace flare::stream
