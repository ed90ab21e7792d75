#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "flared/storage/log_entry.h"

/// The update log's bytes (docs/design.md 3.1). Pure: bytes in, entries out.
///
/// An entry, little-endian: marker u32, length u32 (all of it), xxh3 checksum u64 of what follows; sequence u64, epoch
/// u64, version u64, expire i64, flags u32, key bytes u16, kind u8, zero u8; the key; the data. A segment header:
/// magic, format u32, length u32, xxh3 checksum u64 of what follows; log-id u64, first sequence u64, epoch u64, number
/// of epoch table rows u32, zero u32; rows of epoch u64 and last sequence u64.
namespace flare {

constexpr std::size_t log_entry_header_bytes = 56;
constexpr std::size_t log_key_bytes_max = 65535;
constexpr std::size_t log_data_bytes_max = std::size_t{1} << 31;
constexpr std::size_t epoch_rows_max = 1024;  // older rows are dropped: replication.md 3 asks for 16

enum class DecodeError : std::uint8_t {
  incomplete,  // the bytes end too early
  damaged,     // these bytes are not what was written
};

struct DecodedEntry {
  LogEntry entry;  // points into the decoded bytes
  std::size_t bytes = 0;
};

constexpr std::size_t encoded_bytes(const LogEntry& entry) {
  return log_entry_header_bytes + entry.key.size() + entry.data.size();
}

/// Writes exactly `encoded_bytes(entry)`. The key and the data must be within the bounds above.
void encode_entry(const LogEntry& entry, char* out);
/// The entry that `bytes` begins with.
Result<DecodedEntry, DecodeError> decode_entry(std::string_view bytes);
/// Length and sequence only, unchecked, for stepping over entries that were checked before.
struct EntryHead {
  std::size_t bytes = 0;
  Sequence sequence{0};
};
Result<EntryHead, DecodeError> decode_entry_head(std::string_view bytes);

/// Offset of the first intact entry in `bytes`, npos if there is none: tells damage from a torn tail (design.md 3.4).
std::size_t find_intact_entry(std::string_view bytes);

struct SegmentHeader {
  LogId log_id{0};
  Sequence first{0};
  Epoch epoch{0};     // of entries from here on, if they do not raise it
  EpochTable epochs;  // of all entries before
};

std::string encode_segment_header(const SegmentHeader& header);

struct DecodedSegmentHeader {
  SegmentHeader header;
  std::size_t bytes = 0;
};
Result<DecodedSegmentHeader, DecodeError> decode_segment_header(std::string_view bytes);
/// The format number of a segment that another version has written.
std::optional<std::uint32_t> unknown_segment_format(std::string_view bytes);

/// Notes that `sequence` belongs to `epoch`; drops the oldest row above epoch_rows_max.
void note_epoch(EpochTable& epochs, Epoch epoch, Sequence sequence);

}  // namespace flare
