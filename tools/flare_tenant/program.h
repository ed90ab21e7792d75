#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace flare::tenant {

/// Runs a program to its end, with our stdout and stderr. Its exit status; -1 if a signal or the deadline ended it;
/// 127 if it cannot be run.
[[nodiscard]] int run_program(const std::vector<std::string>& words, std::chrono::seconds limit);

/// The program beside our own, else its name alone, for PATH.
[[nodiscard]] std::string program_path(const std::string& name);

}  // namespace flare::tenant
