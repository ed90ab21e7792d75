#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/ids.h"

/// The original's record bytes: a 28-byte header and the data (docs/spec/protocol.md 7). Pure.
namespace flare {

constexpr std::size_t record_header_bytes = 28;

/// One record; `data` points into the bytes it was decoded from.
struct RecordView {
  std::uint32_t flags = 0;
  std::int64_t expire_s = 0;  // absolute unix seconds, 0 = never
  RecordVersion version{0};
  std::string_view data = {};

  bool expired(std::int64_t now_s) const { return expire_s != 0 && expire_s <= now_s; }
};

/// nullopt: damaged, its length disagrees with its header.
std::optional<RecordView> decode_record(std::string_view bytes);
std::array<char, record_header_bytes> encode_record_header(std::uint32_t flags, std::int64_t expire_s,
                                                           RecordVersion version, std::uint64_t data_bytes);

}  // namespace flare
