#pragma once

#include <filesystem>
#include <string>

#include "common/base/result.h"

/// How a rebuilt store takes the old one's place (docs/design.md 3.6): a stop at any point is gone on from.
namespace flare::snapshot {

/// Nothing else tells a rebuild that was done from one that was broken off.
std::filesystem::path complete_mark(const std::filesystem::path& data_dir);

/// Moves log, store and notice out of `rebuild/`, which goes last. The error is a sentence.
Result<void, std::string> swap_in(const std::filesystem::path& data_dir);

}  // namespace flare::snapshot
