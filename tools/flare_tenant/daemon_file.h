#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/daemon/host_port.h"
#include "flare_tenant/layout.h"

namespace flare::tenant {

/// A port of a daemon with what its lists say: of `server-port`, or of a `door.NAME` (one for each of its addresses).
struct Door {
  std::string name{};  ///< empty: server-port
  std::string bind{};  ///< numeric address; empty: all
  int port = 0;
  std::optional<std::string> allow{};  ///< of a named door
  friend bool operator==(const Door&, const Door&) = default;
};

/// What a config file says of one daemon, as far as it matters beside other daemons.
struct DaemonFile {
  Kind kind = Kind::node;
  std::filesystem::path file{};
  std::string tenant{};
  std::string data_dir{};
  std::string server_name{};
  std::string server_socket{};
  std::vector<Door> doors{};                    ///< the first is server-port's
  std::vector<HostPort> indexes{};              ///< of a node
  std::map<std::string, std::string> access{};  ///< client-allow-from, cluster-allow-from, admin-allow-from, if given
  std::map<std::string, std::string> quotas{};  ///< max-items, max-bytes, max-connection, max-ops-per-second, if given

  [[nodiscard]] int port() const { return doors.front().port; }
  [[nodiscard]] const std::string& bind() const { return doors.front().bind; }
  /// Where a program of this machine reaches it.
  [[nodiscard]] HostPort reachable() const;
};

/// The text of a config file; or a sentence with the line that is wrong. Pure.
[[nodiscard]] Result<DaemonFile, std::string> parse_daemon_file(Kind kind, std::string_view text);

/// The options that limit a tenant, in the order in which they are shown.
[[nodiscard]] const std::vector<std::string>& quota_names();
/// The options that say who may connect, one for each class of commands.
[[nodiscard]] const std::vector<std::string>& access_names();

}  // namespace flare::tenant
