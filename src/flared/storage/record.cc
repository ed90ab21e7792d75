#include "flared/storage/record.h"

#include "flared/storage/bytes.h"

namespace flare {
namespace {

// protocol.md 7: offsets of the fields.
constexpr std::size_t flags_at = 0;
constexpr std::size_t expire_at = 4;
constexpr std::size_t size_at = 12;
constexpr std::size_t version_at = 20;

}  // namespace

std::optional<RecordView> decode_record(std::string_view bytes) {
  if (bytes.size() < record_header_bytes) return std::nullopt;
  const char* header = bytes.data();
  if (get_number<std::uint64_t>(header + size_at) != bytes.size() - record_header_bytes) return std::nullopt;

  return RecordView{.flags = get_number<std::uint32_t>(header + flags_at),
                    .expire_s = get_number<std::int64_t>(header + expire_at),
                    .version = RecordVersion{get_number<std::uint64_t>(header + version_at)},
                    .data = bytes.substr(record_header_bytes)};
}

std::array<char, record_header_bytes> encode_record_header(std::uint32_t flags, std::int64_t expire_s,
                                                           RecordVersion version, std::uint64_t data_bytes) {
  std::array<char, record_header_bytes> header;
  put_number(header.data() + flags_at, flags);
  put_number(header.data() + expire_at, expire_s);
  put_number(header.data() + size_at, data_bytes);
  put_number(header.data() + version_at, raw(version));
  return header;
}

}  // namespace flare
