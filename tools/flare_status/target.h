#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare::status {

/// Something that listens.
struct Target {
  std::string host{};
  std::uint16_t port = 0;
  friend bool operator==(const Target&, const Target&) = default;
};

/// `12120` (this machine) or `host:port`; nothing if the port is no number from 1 to 65535.
[[nodiscard]] std::optional<Target> parse_target(std::string_view text);
[[nodiscard]] std::string to_string(const Target& target);

}  // namespace flare::status
