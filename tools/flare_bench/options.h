#pragma once

#include <CLI/CLI.hpp>

#include "flare_bench/settings.h"

namespace flare::bench {

/// Declares all options; they are in `settings` after the parse.
void add_options(CLI::App& app, Settings& settings);
/// What single options cannot see. Throws CLI::ValidationError.
void check_together(const Settings& settings);

}  // namespace flare::bench
