#include "flared/storage/log_codec.h"

#include <cassert>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flared/storage/bytes.h"

namespace flare {
namespace {

constexpr std::uint32_t entry_marker = 0x314e4c46;  // "FLN1"
constexpr std::string_view segment_magic = "FLARELOG";
constexpr std::uint32_t segment_format = 1;
constexpr std::size_t segment_header_bytes = 56;
constexpr std::size_t epoch_row_bytes = 16;
constexpr std::size_t checked_from = 16;          // of an entry
constexpr std::size_t segment_checked_from = 24;  // of a segment header

// The length is the seed: a wrong length is a wrong checksum.
std::uint64_t checksum(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

bool known(std::uint8_t kind) {
  return kind >= static_cast<std::uint8_t>(EntryKind::set) && kind <= static_cast<std::uint8_t>(EntryKind::flush);
}

}  // namespace

void encode_entry(const LogEntry& entry, char* out) {
  assert(entry.key.size() <= log_key_bytes_max && entry.data.size() <= log_data_bytes_max);
  const auto length = encoded_bytes(entry);
  put_number(out, entry_marker);
  put_number(out + 4, static_cast<std::uint32_t>(length));
  put_number(out + 16, raw(entry.sequence));
  put_number(out + 24, raw(entry.epoch));
  put_number(out + 32, raw(entry.version));
  put_number(out + 40, entry.expire_s);
  put_number(out + 48, entry.flags);
  put_number(out + 52, static_cast<std::uint16_t>(entry.key.size()));
  put_number(out + 54, static_cast<std::uint8_t>(entry.kind));
  put_number(out + 55, std::uint8_t{0});
  entry.key.copy(out + log_entry_header_bytes, entry.key.size());
  entry.data.copy(out + log_entry_header_bytes + entry.key.size(), entry.data.size());
  put_number(out + 8, checksum({out + checked_from, length - checked_from}, length));
}

Result<EntryHead, DecodeError> decode_entry_head(std::string_view bytes) {
  if (bytes.size() < log_entry_header_bytes) return DecodeError::incomplete;
  if (get_number<std::uint32_t>(bytes.data()) != entry_marker) return DecodeError::damaged;
  const std::size_t length = get_number<std::uint32_t>(bytes.data() + 4);
  const std::size_t key_bytes = get_number<std::uint16_t>(bytes.data() + 52);
  if (length < log_entry_header_bytes + key_bytes) return DecodeError::damaged;
  if (length - log_entry_header_bytes - key_bytes > log_data_bytes_max) return DecodeError::damaged;
  return EntryHead{.bytes = length, .sequence = Sequence{get_number<std::uint64_t>(bytes.data() + 16)}};
}

Result<DecodedEntry, DecodeError> decode_entry(std::string_view bytes) {
  const auto head = decode_entry_head(bytes);
  if (!head) return head.error();
  if (bytes.size() < head->bytes) return DecodeError::incomplete;
  bytes = bytes.substr(0, head->bytes);
  const char* at = bytes.data();
  if (get_number<std::uint64_t>(at + 8) != checksum(bytes.substr(checked_from), head->bytes))
    return DecodeError::damaged;
  const auto kind = get_number<std::uint8_t>(at + 54);
  if (!known(kind) || get_number<std::uint8_t>(at + 55) != 0) return DecodeError::damaged;

  const std::size_t key_bytes = get_number<std::uint16_t>(at + 52);
  return DecodedEntry{.entry = {.kind = EntryKind{kind},
                                .epoch = Epoch{get_number<std::uint64_t>(at + 24)},
                                .sequence = head->sequence,
                                .key = bytes.substr(log_entry_header_bytes, key_bytes),
                                .version = RecordVersion{get_number<std::uint64_t>(at + 32)},
                                .flags = get_number<std::uint32_t>(at + 48),
                                .expire_s = get_number<std::int64_t>(at + 40),
                                .data = bytes.substr(log_entry_header_bytes + key_bytes)},
                      .bytes = head->bytes};
}

std::size_t find_intact_entry(std::string_view bytes) {
  const std::string_view marker{reinterpret_cast<const char*>(&entry_marker), sizeof entry_marker};
  for (auto at = bytes.find(marker); at != std::string_view::npos; at = bytes.find(marker, at + 1)) {
    if (decode_entry(bytes.substr(at))) return at;
  }
  return std::string_view::npos;
}

std::string encode_segment_header(const SegmentHeader& header) {
  const auto rows = header.epochs.size();
  std::string out(segment_header_bytes + rows * epoch_row_bytes, '\0');
  char* at = out.data();
  segment_magic.copy(at, segment_magic.size());
  put_number(at + 8, segment_format);
  put_number(at + 12, static_cast<std::uint32_t>(out.size()));
  put_number(at + 24, raw(header.log_id));
  put_number(at + 32, raw(header.first));
  put_number(at + 40, raw(header.epoch));
  put_number(at + 48, static_cast<std::uint32_t>(rows));
  at += segment_header_bytes;
  for (const auto& row : header.epochs) {
    put_number(at, raw(row.epoch));
    put_number(at + 8, raw(row.last));
    at += epoch_row_bytes;
  }
  put_number(out.data() + 16, checksum(std::string_view{out}.substr(segment_checked_from), out.size()));
  return out;
}

Result<DecodedSegmentHeader, DecodeError> decode_segment_header(std::string_view bytes) {
  if (bytes.size() < segment_header_bytes) return DecodeError::incomplete;
  const char* at = bytes.data();
  if (!bytes.starts_with(segment_magic) || get_number<std::uint32_t>(at + 8) != segment_format)
    return DecodeError::damaged;
  const std::size_t length = get_number<std::uint32_t>(at + 12);
  const std::size_t rows = get_number<std::uint32_t>(at + 48);
  if (rows > epoch_rows_max || length != segment_header_bytes + rows * epoch_row_bytes) return DecodeError::damaged;
  if (bytes.size() < length) return DecodeError::incomplete;
  bytes = bytes.substr(0, length);
  if (get_number<std::uint64_t>(at + 16) != checksum(bytes.substr(segment_checked_from), length))
    return DecodeError::damaged;
  if (get_number<std::uint32_t>(at + 52) != 0) return DecodeError::damaged;

  DecodedSegmentHeader decoded{.header = {.log_id = LogId{get_number<std::uint64_t>(at + 24)},
                                          .first = Sequence{get_number<std::uint64_t>(at + 32)},
                                          .epoch = Epoch{get_number<std::uint64_t>(at + 40)},
                                          .epochs = {}},
                               .bytes = length};
  decoded.header.epochs.reserve(rows);
  for (at += segment_header_bytes; at != bytes.data() + length; at += epoch_row_bytes) {
    decoded.header.epochs.push_back(
        {.epoch = Epoch{get_number<std::uint64_t>(at)}, .last = Sequence{get_number<std::uint64_t>(at + 8)}});
  }
  return decoded;
}

std::optional<std::uint32_t> unknown_segment_format(std::string_view bytes) {
  if (bytes.size() < 12 || !bytes.starts_with(segment_magic)) return std::nullopt;
  const auto format = get_number<std::uint32_t>(bytes.data() + 8);
  return format == segment_format ? std::nullopt : std::optional{format};
}

void note_epoch(EpochTable& epochs, Epoch epoch, Sequence sequence) {
  if (!epochs.empty() && epochs.back().epoch == epoch) {
    epochs.back().last = sequence;
    return;
  }
  if (epochs.size() == epoch_rows_max) epochs.erase(epochs.begin());
  epochs.push_back({.epoch = epoch, .last = sequence});
}

}  // namespace flare
