#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace flare {

/// Writes the lines of one answer to `stats`.
class StatLines {
 public:
  template <class T>
  void add(std::string_view name, const T& value) {
    fmt::format_to(std::back_inserter(text_), "STAT {} {}\r\n", name, value);
  }
  void append(std::string_view lines) { text_ += lines; }
  /// Without END, for `append`.
  std::string take() { return std::move(text_); }
  std::string end() {
    text_ += "END\r\n";
    return std::move(text_);
  }

 private:
  std::string text_;
};

}  // namespace flare
