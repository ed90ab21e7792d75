#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// The words of one text line (docs/spec/protocol.md 1). Pure; the views point into the line.
namespace flare {

/// Only runs of spaces separate words: a tab is an ordinary byte. A NUL ends the line.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line.substr(0, line.find('\0'))) {}

  /// The next word; empty at the end of the line.
  std::string_view next() {
    skip_spaces();
    return take(rest_.find(' '));
  }

  /// Whether the next byte belongs to a number: a digit or a minus.
  bool at_number() {
    skip_spaces();
    return !rest_.empty() && in_number(rest_.front());
  }

  /// A number ends at the first byte that is neither digit nor minus; what follows is the next field, with or without a
  /// space (protocol.md 1, numbers). nullopt: no number there, or not one of T.
  template <class T>
  std::optional<T> next_number() {
    const auto text = next_number_text();
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
  }

  /// A step of incr and decr: -n is read as 2^64 - n (protocol.md 1, numbers).
  std::optional<std::uint64_t> next_wrapping_number() {
    if (!at_number() || rest_.front() != '-') return next_number<std::uint64_t>();
    rest_.remove_prefix(1);
    if (rest_.empty() || rest_.front() == ' ') return std::nullopt;
    const auto magnitude = next_number<std::uint64_t>();
    if (!magnitude) return std::nullopt;
    return 0 - *magnitude;
  }

  bool done() {
    skip_spaces();
    return rest_.empty();
  }

  /// All words still to come, without the spaces around them.
  std::string_view remainder() {
    skip_spaces();
    const auto last = rest_.find_last_not_of(' ');
    return last == std::string_view::npos ? std::string_view{} : rest_.substr(0, last + 1);
  }

 private:
  static bool in_number(char byte) { return (byte >= '0' && byte <= '9') || byte == '-'; }

  void skip_spaces() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }

  std::string_view take(std::size_t bytes) {
    const auto taken = rest_.substr(0, bytes);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view next_number_text() {
    skip_spaces();
    std::size_t bytes = 0;
    while (bytes < rest_.size() && in_number(rest_[bytes])) ++bytes;
    return take(bytes);
  }

  std::string_view rest_;
};

}  // namespace flare
