#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace flare::bench {

/// A value in an answer. Whose it is tells its name, its place among the keys asked for, or both, as the protocol has
/// it.
struct FoundValue {
  std::string_view name{};
  std::optional<std::uint32_t> place{};
  std::string_view value{};
};

enum class AnswerState : std::uint8_t {
  incomplete,  ///< more bytes are needed
  complete,
  broken,  ///< not what the protocol allows here: nothing behind it on this connection can be understood
};

/// One answer, as views into the input it was read from.
struct Answer {
  std::size_t bytes = 0;  ///< of the input, when complete
  bool stored = false;
  std::string_view error{};  ///< the server's words, if it refused or failed
  std::vector<FoundValue> values{};

  void clear() {
    bytes = 0;
    stored = false;
    error = {};
    values.clear();
  }
};

}  // namespace flare::bench
