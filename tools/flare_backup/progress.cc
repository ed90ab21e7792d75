#include "flare_backup/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace flare::backup {
namespace {

constexpr std::chrono::milliseconds shown_each{100};
constexpr std::uint64_t bar_cells = 30;
constexpr double mebibyte = 1024.0 * 1024.0;

}  // namespace

std::string progress_line(std::string_view what, std::uint64_t done, std::uint64_t expected, std::uint64_t bytes,
                          std::chrono::duration<double> elapsed) {
  const auto mebibytes = static_cast<double>(bytes) / mebibyte;
  const auto rate = elapsed.count() > 0 ? mebibytes / elapsed.count() : 0.0;
  const auto figures = fmt::format("{} records, {:.1f} MiB, {:.1f} MiB/s", done, mebibytes, rate);
  if (expected == 0) return fmt::format("{} {}", what, figures);
  const auto share = std::min(1.0, static_cast<double>(done) / static_cast<double>(expected));
  const auto full = static_cast<std::uint64_t>(share * bar_cells);
  return fmt::format("{} [{:#<{}}{:.<{}}] {:3.0f} % {}", what, "", full, "", bar_cells - full, share * 100, figures);
}

ProgressBar::ProgressBar(std::string what)
    : what_(std::move(what)), on_terminal_(::isatty(STDERR_FILENO) == 1), begun_(std::chrono::steady_clock::now()) {}

void ProgressBar::show(std::uint64_t done, std::uint64_t expected, std::uint64_t bytes) {
  if (!on_terminal_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < shown_each) return;
  last_ = now;
  shown_ = true;
  std::fprintf(stderr, "\r%s\033[K", progress_line(what_, done, expected, bytes, now - begun_).c_str());
}

void ProgressBar::end() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace flare::backup
