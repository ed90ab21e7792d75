#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// The checksum of the PROXY protocol. zlib has only its sister with another polynomial.
namespace flare {

constexpr std::uint32_t crc32c(std::string_view bytes) {
  constexpr auto table = [] {
    std::array<std::uint32_t, 256> rows{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      auto row = byte;
      for (int bit = 0; bit < 8; ++bit) row = (row >> 1) ^ ((row & 1U) != 0 ? 0x82f63b78U : 0U);
      rows[byte] = row;
    }
    return rows;
  }();
  std::uint32_t sum = ~0U;
  for (const char byte : bytes) sum = (sum >> 8) ^ table[(sum ^ static_cast<std::uint8_t>(byte)) & 0xffU];
  return ~sum;
}

}  // namespace flare
