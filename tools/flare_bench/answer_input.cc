#include "flare_bench/answer_input.h"

#include <algorithm>
#include <charconv>

namespace flare::bench {
namespace {

constexpr std::size_t line_bytes_max = 64 * 1024;

}  // namespace

std::optional<std::string_view> AnswerInput::line() {
  const auto rest = input_.substr(taken_);
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) {
    broken_ = rest.size() > line_bytes_max;
    return std::nullopt;
  }
  if (end == 0 || rest[end - 1] != '\r') {
    broken_ = true;
    return std::nullopt;
  }
  taken_ += end + 1;
  return rest.substr(0, end - 1);
}

std::optional<std::string_view> AnswerInput::data(std::size_t bytes) {
  const auto rest = input_.substr(taken_);
  if (rest.size() < bytes + 2) return std::nullopt;
  if (rest.substr(bytes, 2) != "\r\n") {
    broken_ = true;
    return std::nullopt;
  }
  taken_ += bytes + 2;
  return rest.substr(0, bytes);
}

std::string_view take_word(std::string_view& line) {
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(word.size() + 1, line.size()));
  return word;
}

std::optional<std::uint32_t> number_of(std::string_view word) {
  std::uint32_t number = 0;
  const auto end = word.data() + word.size();
  const auto read = std::from_chars(word.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

bool is_error_line(std::string_view line) {
  return line == "ERROR" || line.starts_with("ERROR ") || line.starts_with("CLIENT_ERROR") ||
         line.starts_with("SERVER_ERROR");
}

}  // namespace flare::bench
