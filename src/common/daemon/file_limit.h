#pragma once

#include <optional>
#include <string>

namespace flare {

/// Raises the limit of open files to 2 * max_connection + 16 as far as it may be (daemons.md 1.5); a sentence to log if
/// it stays lower, which is not fatal here.
std::optional<std::string> raise_file_limit(int max_connection);

}  // namespace flare
