#pragma once

#include <string>
#include <vector>

#include "flare_tenant/daemon_file.h"
#include "flare_tenant/layout.h"

namespace flare::tenant {

/// What stands where a data-dir should be.
struct Folder {
  bool exists = false;
  bool private_to_owner = false;  ///< nobody but its owner may enter it
  std::string real_path{};        ///< without links; the path as written if it does not exist
};

struct DaemonEntry {
  DaemonFile file{};
  Folder folder{};
};

/// A folder below the config root.
struct Tenant {
  std::string name{};
  std::vector<DaemonEntry> daemons{};  ///< flarei first
  std::vector<std::string> faults{};   ///< files that cannot be read
  [[nodiscard]] const DaemonEntry* of(Kind kind) const;
};

/// All tenants, by name. Reads the file system; a file that is wrong is a fault of its tenant, not an end.
[[nodiscard]] std::vector<Tenant> read_tenants(const Roots& roots);
/// One; without daemons and faults if there is none of that name.
[[nodiscard]] Tenant read_tenant(const Roots& roots, const std::string& name);

}  // namespace flare::tenant
