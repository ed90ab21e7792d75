#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "flare_status/status.h"
#include "flare_tenant/inventory.h"

namespace flare::tenant {

struct DaemonFigures {
  Kind kind = Kind::node;
  std::string address{};  ///< what it is bound to; empty: all
  int port = 0;
  std::optional<pid_t> pid{};  ///< it runs
};

/// What `list` shows of a tenant.
struct TenantFigures {
  std::string name{};
  std::vector<DaemonFigures> daemons{};
  std::vector<status::NodeRow> nodes{};  ///< the map of its index; empty if it did not answer
  std::optional<std::uint64_t> items{};  ///< of all masters that answered
  std::optional<std::uint64_t> bytes{};  ///< of the stores of all nodes that answered
  std::map<std::string, std::string> quotas{};
  std::vector<std::string> warnings{};
};

/// Looks at the processes of this machine and asks all indexes at once, then all nodes at once.
[[nodiscard]] std::vector<TenantFigures> look_at_all(const std::vector<Tenant>& tenants,
                                                     std::chrono::milliseconds answer_limit);

/// `STAT <name> <number>` of an answer. Pure.
[[nodiscard]] std::optional<std::uint64_t> stat_number(const std::vector<std::string>& answer, const std::string& name);

}  // namespace flare::tenant
