// Bytes of an update log, and entries made of the input: what is decoded is encoded alike, and the other way round.
#include <string>

#include "flared/storage/correction.h"
#include "flared/storage/log_codec.h"
#include "fuzz.h"

namespace {

using flare::fuzz::require;

std::string encoded(const flare::LogEntry& entry) {
  std::string bytes(flare::encoded_bytes(entry), '\0');
  flare::encode_entry(entry, bytes.data());
  return bytes;
}

void check_bytes(std::string_view bytes) {
  if (const auto entry = flare::decode_entry(bytes)) {
    require(encoded(entry->entry) == bytes.substr(0, entry->bytes));
  }
  if (const auto header = flare::decode_segment_header(bytes)) {
    require(flare::encode_segment_header(header->header) == bytes.substr(0, header->bytes));
  }
  const auto at = flare::find_intact_entry(bytes);
  require(at == std::string_view::npos || flare::decode_entry(bytes.substr(at)));
}

// The entries of a correction: all of the bytes, or none.
void check_correction(std::string_view bytes) {
  const flare::Correction correction{{}, {}, std::string{bytes}};
  std::string text;
  for (const auto& entry : flare::entries_of(correction)) text += encoded(entry);
  require(text.empty() || text == bytes);
}

void check_round_trip(std::string_view bytes, std::uint8_t choice) {
  flare::LogEntry entry;
  entry.kind = static_cast<flare::EntryKind>(choice % 4 + 1);
  entry.sequence = flare::Sequence{bytes.size() * 0x0123456789ULL};
  entry.version = flare::RecordVersion{choice * 0x9876543210ULL};
  entry.key = bytes.substr(0, choice);
  entry.data = bytes.substr(entry.key.size());
  const auto text = encoded(entry);
  const auto decoded = flare::decode_entry(text);
  require(decoded && decoded->bytes == text.size() && decoded->entry.key == entry.key &&
          decoded->entry.data == entry.data && decoded->entry.version == entry.version);
  require(!flare::decode_entry(std::string_view{text}.substr(0, text.size() - 1)));

  // One changed byte anywhere is noticed.
  std::string damaged = text;
  damaged[bytes.size() % damaged.size()] ^= static_cast<char>(choice | 1);
  require(!flare::decode_entry(damaged));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = flare::fuzz::bytes_of(data, size);
  check_bytes(bytes);
  check_correction(bytes);
  const auto choice = flare::fuzz::take_choice(bytes);
  check_round_trip(bytes, choice);
  return 0;
}
