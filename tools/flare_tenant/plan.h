#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/daemon/host_port.h"
#include "flare_tenant/layout.h"

namespace flare::tenant {

/// What a new tenant is to be: all that its files are written from.
struct Plan {
  Roots roots{};
  std::string name{};
  bool index = true;  ///< a flarei on this machine
  bool node = true;   ///< a flared on this machine
  std::string address = "127.0.0.1";
  std::string server_name{};  ///< the name in the cluster; empty: the address
  int index_port = 0;
  int node_port = 0;
  std::optional<HostPort> elsewhere{};  ///< the index, if it is on another machine
  std::string user{};
  std::string group{};
  std::string bucket_size = "1048576";
  std::map<std::string, std::string> quotas{};  ///< by option
  std::map<std::string, std::string> access{};  ///< by option
  std::string memory_max{};                     ///< for the units

  [[nodiscard]] const std::string& name_in_cluster() const { return server_name.empty() ? address : server_name; }
  [[nodiscard]] HostPort index_server() const { return elsewhere.value_or(HostPort{name_in_cluster(), index_port}); }
};

}  // namespace flare::tenant
