#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// How values of options are written (docs/spec/daemons.md 1.3, below the table). Pure.
namespace flare {

/// Decimal only: no suffix, hex, quotes, blanks or plus sign; nullopt also if it does not fit.
template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// `on yes true 1` and the empty text, or `off no false 0`, in any letter case.
std::optional<bool> parse_boolean(std::string_view text);

/// A count of bytes with an optional K, M or G (1024 each), for options of ours.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
/// The shortest text that `parse_bytes` reads back.
std::string bytes_text(std::uint64_t bytes);

/// `[a-z0-9][a-z0-9-]{0,62}` (design.md 5).
bool is_tenant_name(std::string_view text);

}  // namespace flare
