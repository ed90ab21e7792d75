#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "support/text_client.h"

namespace flare::test {

/// One row of a file of tests/bad_input: what is sent, and how.
struct BadInput {
  enum class How : std::uint8_t {
    send,   ///< all at once, then the sending side is ended
    slow,   ///< byte by byte, likewise
    split,  ///< in pieces of 7 bytes, likewise
    cut,    ///< all but its last byte, likewise
    reset,  ///< all at once, then a reset
    flood,  ///< a thousand times, likewise
    deaf,   ///< again and again without reading an answer, then a reset
  };
  std::string name{};
  How how = How::send;
  std::string bytes{};
};

/// The rows: `<name> <how> <bytes>` each; lines that are empty or begin with `#` are skipped. In the bytes stand
/// `\r \n \0 \\ \xHH` and, for N times the text, `{N*text}`. Throws std::runtime_error with file and line.
[[nodiscard]] std::vector<BadInput> read_bad_input(const std::filesystem::path& file);

/// Plays a row at a daemon. What is wrong with the way the connection ended; empty: nothing.
[[nodiscard]] std::string play(const BadInput& row, const Address& daemon);

/// Bytes of memory that a process has for itself and that no file is behind.
[[nodiscard]] std::size_t anonymous_bytes(int pid);

}  // namespace flare::test
