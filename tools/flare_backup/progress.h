#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace flare::backup {

/// One line that is written over again on a terminal, ten times a second; nothing elsewhere. On stderr.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  ~ProgressBar() { end(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` of `expected` records (0: not known), `bytes` so far.
  void show(std::uint64_t done, std::uint64_t expected, std::uint64_t bytes);
  void end();

 private:
  std::string what_;
  bool on_terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point begun_;
  std::chrono::steady_clock::time_point last_{};
};

/// The line. Pure.
std::string progress_line(std::string_view what, std::uint64_t done, std::uint64_t expected, std::uint64_t bytes,
                          std::chrono::duration<double> elapsed);

}  // namespace flare::backup
