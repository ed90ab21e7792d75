#pragma once

#include <string>

#include "flared/options.h"

namespace flare {

/// The lines of `stats settings`, with END: memcached's names in its order where an option of ours has that meaning,
/// then our own. Anybody who may ask anything may ask this, so no path, no list of addresses, no index. Pure.
std::string settings_stats(const FlaredOptions& options);

}  // namespace flare
