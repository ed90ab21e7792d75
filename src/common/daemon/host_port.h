#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare {

/// Where a daemon listens, by name or numeric address. Pure.
struct HostPort {
  std::string host;
  int port = 0;
  bool operator==(const HostPort&) const = default;
};

/// `host:port`; an IPv6 address stands in brackets. Port 1-65535.
std::optional<HostPort> parse_host_port(std::string_view text);
/// `h:p[,h:p...]`, blanks around the pairs allowed; nullopt if one of them is none.
std::optional<std::vector<HostPort>> parse_host_ports(std::string_view text);

}  // namespace flare
