#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <type_traits>

namespace flare {

/// The words of one header line, which single spaces divide. Pure; views into the line.
class HeaderWords {
 public:
  explicit HeaderWords(std::string_view line) : rest_(line) {}

  /// Empty at the end of the line, and for a missing word between two spaces.
  std::string_view next() {
    const auto word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size() < rest_.size() ? word.size() + 1 : word.size());
    return word;
  }

  /// A whole word that is a number of this type in range; digits only, no sign for unsigned types.
  template <class T>
  std::optional<T> next_number(int base = 10) {
    return parse_number<T>(next(), base);
  }

  template <class T>
  static std::optional<T> parse_number(std::string_view word, int base = 10) {
    T value{};
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    return value;
  }

  /// A number that is a strong type: Epoch, Sequence and the like.
  template <class Enum>
  std::optional<Enum> next_id(int base = 10) {
    const auto number = next_number<std::underlying_type_t<Enum>>(base);
    if (!number) return std::nullopt;
    return Enum{*number};
  }

  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace flare
