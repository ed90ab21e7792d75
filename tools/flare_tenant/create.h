#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "flare_tenant/plan.h"

namespace flare::tenant {

struct Created {
  Plan plan{};                                 ///< with its ports
  std::vector<std::filesystem::path> files{};  ///< config files and drop-ins
};

/// Values that would break a config file or name something that cannot be; a sentence, or nothing. Pure.
[[nodiscard]] std::optional<std::string> check_plan(const Plan& plan);

/// Chooses ports that are 0, writes the config files and makes the data-dirs; with `units` also the drop-ins of the
/// systemd units there. All or nothing. An existing tenant is never touched.
[[nodiscard]] Result<Created, std::string> create_tenant(Plan plan, const std::filesystem::path& units);

}  // namespace flare::tenant
