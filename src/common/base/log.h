#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace flare {

/// Where a daemon says what happens: syslog or stderr (log.cc, through spdlog), or a vector in tests.
/// Objects get it by reference; there is no default logger. Safe from any thread.
class Log {
 public:
  enum class Level { error, warning, notice };

  virtual ~Log() = default;
  virtual void write(Level level, std::string_view text) = 0;

  template <class... Args>
  void error(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::error, fmt::format(text, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warning(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::warning, fmt::format(text, std::forward<Args>(args)...));
  }
  template <class... Args>
  void notice(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::notice, fmt::format(text, std::forward<Args>(args)...));
  }
};

}  // namespace flare
