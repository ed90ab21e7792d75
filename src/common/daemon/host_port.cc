#include "common/daemon/host_port.h"

#include "common/daemon/option_text.h"

namespace flare {

std::optional<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto port = parse_integer<int>(text.substr(colon + 1));
  if (!port || *port < 1 || *port > 65535) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (host.find_first_of(" \t,[]") != std::string_view::npos) return std::nullopt;
  return HostPort{std::string(host), *port};
}

std::optional<std::vector<HostPort>> parse_host_ports(std::string_view text) {
  std::vector<HostPort> pairs;
  while (true) {
    const auto comma = text.find(',');
    auto word = text.substr(0, comma);
    const auto first = word.find_first_not_of(" \t");
    if (first == std::string_view::npos) return std::nullopt;
    word = word.substr(first, word.find_last_not_of(" \t") - first + 1);
    auto pair = parse_host_port(word);
    if (!pair) return std::nullopt;
    pairs.push_back(std::move(*pair));
    if (comma == std::string_view::npos) return pairs;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace flare
