#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "flare_bench/answer.h"

namespace flare::bench {

/// Reads lines and blocks of data of an answer that may not have come whole.
class AnswerInput {
 public:
  explicit AnswerInput(std::string_view input) : input_{input} {}

  /// The next line without its end. None: not here yet, or `broken()`.
  std::optional<std::string_view> line();
  /// So many bytes and the line end behind them.
  std::optional<std::string_view> data(std::size_t bytes);

  [[nodiscard]] std::size_t taken() const { return taken_; }
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] AnswerState why_none() const { return broken_ ? AnswerState::broken : AnswerState::incomplete; }

 private:
  std::string_view input_;
  std::size_t taken_ = 0;
  bool broken_ = false;
};

/// The next word of a line, which it is cut from.
std::string_view take_word(std::string_view& line);
[[nodiscard]] std::optional<std::uint32_t> number_of(std::string_view word);
/// `ERROR`, `CLIENT_ERROR ...` or `SERVER_ERROR ...`.
[[nodiscard]] bool is_error_line(std::string_view line);

}  // namespace flare::bench
