#include "flared/storage/log_codec.h"

#include <gtest/gtest.h>

#include <limits>

namespace flare {
namespace {

LogEntry example_entry() {
  return {.kind = EntryKind::touch,
          .epoch = Epoch{3},
          .sequence = Sequence{1234567890123},
          .key = "a key",
          .version = RecordVersion{std::numeric_limits<std::uint64_t>::max()},
          .flags = 0xdeadbeef,
          .expire_s = -5,
          .data = "data\0with a zero"};
}

std::string encoded(const LogEntry& entry) {
  std::string bytes(encoded_bytes(entry), '\0');
  encode_entry(entry, bytes.data());
  return bytes;
}

TEST(LogEntryBytes, ReadBack) {
  for (const auto kind : {EntryKind::set, EntryKind::touch, EntryKind::remove, EntryKind::flush}) {
    auto entry = example_entry();
    entry.kind = kind;
    const auto bytes = encoded(entry);
    const auto more = bytes + "what follows";
    const auto decoded = decode_entry(more);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->bytes, bytes.size());
    EXPECT_EQ(encoded(decoded->entry), bytes);
    EXPECT_EQ(decoded->entry.key, entry.key);
    EXPECT_EQ(decoded->entry.data, entry.data);
    EXPECT_EQ(decoded->entry.expire_s, entry.expire_s);
    EXPECT_EQ(decoded->entry.kind, kind);
  }
}

TEST(LogEntryBytes, AreIncompleteWhenCutAnywhere) {
  const auto bytes = encoded(example_entry());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = decode_entry(std::string_view{bytes}.substr(0, size));
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error(), DecodeError::incomplete);
  }
}

TEST(LogEntryBytes, AreRefusedWithAnyBitChanged) {
  const auto bytes = encoded(example_entry());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_entry(changed)) << bit;
  }
}

TEST(LogEntryBytes, AreFoundBehindDamage) {
  const auto bytes = encoded(example_entry());
  EXPECT_EQ(find_intact_entry("rubbish" + bytes), 7u);
  EXPECT_EQ(find_intact_entry(bytes.substr(1) + bytes), bytes.size() - 1);
  EXPECT_EQ(find_intact_entry(bytes.substr(1)), std::string_view::npos);
  EXPECT_EQ(find_intact_entry(""), std::string_view::npos);
}

TEST(SegmentHeaderBytes, ReadBack) {
  const SegmentHeader header{.log_id = LogId{99},
                             .first = Sequence{1000},
                             .epoch = Epoch{5},
                             .epochs = {{Epoch{1}, Sequence{10}}, {Epoch{4}, Sequence{999}}}};
  const auto bytes = encode_segment_header(header);
  const auto decoded = decode_segment_header(bytes + "entries");
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->bytes, bytes.size());
  EXPECT_EQ(decoded->header.epochs, header.epochs);
  EXPECT_EQ(encode_segment_header(decoded->header), bytes);
}

TEST(SegmentHeaderBytes, AreRefusedWithAnyBitChangedOrCut) {
  const auto bytes = encode_segment_header(
      {.log_id = LogId{99}, .first = Sequence{1}, .epoch = Epoch{5}, .epochs = {{Epoch{1}, Sequence{10}}}});
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_segment_header(changed)) << bit;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_segment_header(bytes.substr(0, size)));
}

TEST(Epochs, KeepTheLastSequenceOfEachAndStayBounded) {
  EpochTable epochs;
  note_epoch(epochs, Epoch{1}, Sequence{1});
  note_epoch(epochs, Epoch{1}, Sequence{2});
  note_epoch(epochs, Epoch{3}, Sequence{3});
  EXPECT_EQ(epochs, (EpochTable{{Epoch{1}, Sequence{2}}, {Epoch{3}, Sequence{3}}}));
  for (std::uint64_t at = 4; at < 3000; ++at) note_epoch(epochs, Epoch{at}, Sequence{at});
  EXPECT_EQ(epochs.size(), epoch_rows_max);
  EXPECT_EQ(epochs.back(), (EpochEnd{Epoch{2999}, Sequence{2999}}));
}

}  // namespace
}  // namespace flare
