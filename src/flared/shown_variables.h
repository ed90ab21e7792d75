#pragma once

#include <string>

#include "flared/options.h"

namespace flare {

/// The answer to `show variables`, with END: the original's names in its order and its padding (protocol.md 2), then
/// the options that only we have. Pure.
std::string variables_text(const FlaredOptions& options);

}  // namespace flare
