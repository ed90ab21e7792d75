#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "flare_tenant/inventory.h"

namespace flare::tenant {

struct Removed {
  std::vector<std::string> gone{};  ///< paths
  std::vector<std::string> kept{};  ///< paths that are still there, with why
};

/// Config files and drop-ins, with `purge` the data too: only data-dirs of the form .../NAME/flarei, so that a wrong
/// line in a config file removes nobody's directory. Refused while a daemon runs, and keeps daemons out meanwhile.
[[nodiscard]] Result<Removed, std::string> remove_tenant(const Roots& roots, const std::string& name,
                                                         const std::filesystem::path& units, bool purge);

}  // namespace flare::tenant
