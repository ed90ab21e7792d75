#include "flare_status/target.h"

#include <charconv>

namespace flare::status {

std::optional<Target> parse_target(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto host = colon == std::string_view::npos ? std::string_view{"127.0.0.1"} : text.substr(0, colon);
  const auto digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || host.empty()) return std::nullopt;
  return Target{.host = std::string{host}, .port = port};
}

std::string to_string(const Target& target) { return target.host + ":" + std::to_string(target.port); }

}  // namespace flare::status
