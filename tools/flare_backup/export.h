#pragma once

#include <cstdio>
#include <filesystem>
#include <string>

#include "common/base/result.h"

namespace flare::backup {

/// Writes a snapshot's records as text to `out`, in the operator tools' form (docs/spec/tools.md 3.4); the entries
/// behind the scan are counted in. How many lines. The error is a sentence.
Result<std::uint64_t, std::string> export_text(const std::filesystem::path& file, std::FILE* out);

}  // namespace flare::backup
