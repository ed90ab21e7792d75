#pragma once

#include <cstddef>
#include <string_view>

/// Finding a line in bytes that arrive in any pieces (docs/spec/protocol.md 1). Pure.
namespace flare {

struct LineSearch {
  enum class Kind {
    found,
    incomplete,  // no LF yet
    too_long,    // no LF within the limit: there will be no line
  };
  Kind kind = Kind::incomplete;
  std::string_view text;     // without LF and the CR directly before it
  std::size_t consumed = 0;  // with its line end
};

/// The first line of `bytes`. The verdict does not depend on how many bytes have arrived behind it.
inline LineSearch find_line(std::string_view bytes, std::size_t line_bytes_max) {
  const auto window = bytes.substr(0, line_bytes_max + 1);
  const auto end = window.find('\n');
  if (end == std::string_view::npos) {
    const bool full = window.size() > line_bytes_max;
    return {full ? LineSearch::Kind::too_long : LineSearch::Kind::incomplete, {}, 0};
  }
  auto text = bytes.substr(0, end);
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return {LineSearch::Kind::found, text, end + 1};
}

}  // namespace flare
