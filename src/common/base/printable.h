#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace flare {

constexpr std::size_t printable_bytes_max = 120;

/// Foreign text as it may stand in a log line or on a terminal: control bytes as \xNN, so that nobody can forge lines;
/// what makes it longer than `bytes_max` is cut and "..." stands for it. Pure.
std::string printable(std::string_view text, std::size_t bytes_max = printable_bytes_max);

}  // namespace flare
