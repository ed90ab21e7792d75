#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "flare_tenant/daemon_state.h"
#include "flare_tenant/inventory.h"

/// Starting and stopping, by systemd where it runs, else directly.
namespace flare::tenant {

struct Control {
  bool systemd = false;  ///< the units flarei@NAME and flared@NAME are used
  std::chrono::seconds limit{60};
};

/// systemd is this machine's first process.
[[nodiscard]] bool systemd_runs();

/// Why it did not succeed; nothing if it runs then. One that runs already is left alone.
[[nodiscard]] std::optional<std::string> start_daemon(const Tenant& tenant, const DaemonEntry& daemon,
                                                      const Control& control);
/// The same for the end.
[[nodiscard]] std::optional<std::string> stop_daemon(const Tenant& tenant, const DaemonEntry& daemon,
                                                     const Control& control);

}  // namespace flare::tenant
