#pragma once

#include <chrono>
#include <string>

#include "common/base/result.h"
#include "flare_status/target.h"

namespace flare::backup {

/// Tells a node that an operator has read what its salvage could not prove (docs/design.md 3.6); what it said of it.
/// The error is a sentence.
Result<std::string, std::string> acknowledge_salvage(const status::Target& node, std::chrono::milliseconds patience);

}  // namespace flare::backup
