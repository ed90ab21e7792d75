#include "common/protocol/base64.h"

#include <cstdint>
#include <optional>

namespace flare {
namespace {

constexpr std::size_t group_chars = 4;
constexpr unsigned digit_bits = 6;
constexpr unsigned byte_bits = 8;

constexpr std::optional<std::uint32_t> digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0' + 52);
  if (c == '+') return 62;
  if (c == '/') return 63;
  return std::nullopt;
}

std::size_t padding_of(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

}  // namespace

// Bits of the last digit that no byte takes are not looked at, as in memcached.
bool decode_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  if (text.empty() || text.size() % group_chars != 0) return false;
  text.remove_suffix(padding_of(text));
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const auto digit = digit_of(c);
    if (!digit) return false;
    bits = bits << digit_bits | *digit;
    held += digit_bits;
    if (held < byte_bits) continue;
    held -= byte_bits;
    bytes.push_back(static_cast<char>(bits >> held & 0xff));
  }
  return true;
}

}  // namespace flare
