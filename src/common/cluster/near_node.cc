#include "common/cluster/near_node.h"

#include <arpa/inet.h>

#include <cstdint>
#include <optional>
#include <string>

namespace flare {

namespace {

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (::inet_pton(AF_INET, std::string{text}.c_str(), &address) != 1) return std::nullopt;
  return ntohl(address.s_addr);
}

}  // namespace

bool in_one_network(std::string_view own, std::string_view other, int bits) {
  const auto first = parse_ipv4(own);
  const auto second = parse_ipv4(other);
  if (!first || !second || bits < 1 || bits > 32) return false;
  return ((*first ^ *second) >> (32 - bits)) == 0;
}

}  // namespace flare
