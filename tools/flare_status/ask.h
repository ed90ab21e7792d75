#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "flare_status/target.h"

namespace flare::status {

/// Lines of an answer up to and with END, or why there is none.
struct Answer {
  std::vector<std::string> lines{};
  std::string error{};
};

/// Sends `request` (without its last line end) to all targets at once and waits for all answers, but not beyond
/// `deadline`.
[[nodiscard]] std::vector<Answer> ask_all(const std::vector<Target>& targets, std::string_view request,
                                          std::chrono::steady_clock::time_point deadline);

}  // namespace flare::status
