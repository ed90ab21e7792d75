#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// What fuzz targets share.
namespace flare::fuzz {

/// A property that does not hold is a finding, in every build.
inline void require(bool holds) {
  if (!holds) std::abort();
}

inline std::string_view bytes_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The first byte of the input as a choice; the rest is the subject.
inline std::uint8_t take_choice(std::string_view& bytes) {
  if (bytes.empty()) return 0;
  const auto choice = static_cast<std::uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  return choice;
}

}  // namespace flare::fuzz
