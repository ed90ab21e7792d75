#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "flare_tenant/daemon_file.h"

/// Who may talk to a daemon, as its config file says it (docs/design.md 5, doors). Pure.
namespace flare::tenant {

/// Comma-separated networks in CIDR form and the word `unix`, or one of `all` and `none` alone; an address alone is one
/// host.
struct AllowList {
  bool all = false;
  std::vector<std::string> ipv4{};
  std::vector<std::string> ipv6{};
  bool local_socket = false;
  [[nodiscard]] bool everybody() const;
  friend bool operator==(const AllowList&, const AllowList&) = default;
};
/// Not empty.
[[nodiscard]] Result<AllowList, std::string> parse_allow_list(std::string_view text);

[[nodiscard]] bool is_ipv4(std::string_view text);
[[nodiscard]] bool is_ipv6(std::string_view text);
/// An address that only this machine reaches.
[[nodiscard]] bool is_loopback(std::string_view address);

struct AccessLine {
  std::string list{};  ///< the option
  std::string who{};   ///< in words
  bool open = false;   ///< everybody who reaches the port
};

/// One line for each list of the daemon, and for each named door.
[[nodiscard]] std::vector<AccessLine> effective_access(const DaemonFile& daemon);

}  // namespace flare::tenant
