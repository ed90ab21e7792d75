#include "common/protocol/proxy_header.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/protocol/crc32c.h"

namespace flare {
namespace {

enum class Family : std::uint8_t { unspecified = 0, ipv4 = 1, ipv6 = 2, unix_socket = 3 };

constexpr std::string_view version_1_word = "PROXY ";
constexpr std::uint8_t stream = 1;
constexpr std::uint8_t checksum_extension = 0x03;
constexpr std::size_t extension_head_bytes = 3;  // type, length
constexpr std::size_t checksum_bytes = 4;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

std::uint32_t checksum_at(std::string_view bytes, std::size_t at) {
  return std::uint32_t{number_at(bytes, at)} << 16 | number_at(bytes, at + 2);
}

template <std::size_t size>
std::array<std::uint8_t, size> array_at(std::string_view bytes, std::size_t at) {
  std::array<std::uint8_t, size> array{};
  for (std::size_t i = 0; i < size; ++i) array[i] = byte_at(bytes, at + i);
  return array;
}

bool begins_alike(std::string_view bytes, std::string_view word) {
  const auto common = std::min(bytes.size(), word.size());
  return bytes.substr(0, common) == word.substr(0, common);
}

// Source and destination, with their ports.
std::size_t address_bytes(Family family) {
  switch (family) {
    case Family::unspecified:
      return 0;
    case Family::ipv4:
      return 4 + 4 + 2 + 2;
    case Family::ipv6:
      return 16 + 16 + 2 + 2;
    case Family::unix_socket:
      return 108 + 108;
  }
  return 0;
}

// A checksum is that of the whole header with zeros in its own place.
bool has_right_checksum(std::string_view header, std::size_t at) {
  std::string zeroed(header);
  std::fill_n(zeroed.begin() + static_cast<std::ptrdiff_t>(at), checksum_bytes, '\0');
  return crc32c(zeroed) == checksum_at(header, at);
}

// What stands behind the addresses: skipped, except for a checksum.
std::optional<ProxyHeaderError> check_extensions(std::string_view header, std::size_t at) {
  bool checked = false;
  while (at < header.size()) {
    if (header.size() - at < extension_head_bytes) return ProxyHeaderError::bad_extension;
    const auto type = byte_at(header, at);
    const std::size_t size = number_at(header, at + 1);
    at += extension_head_bytes;
    if (header.size() - at < size) return ProxyHeaderError::bad_extension;
    if (type == checksum_extension) {
      if (size != checksum_bytes || checked) return ProxyHeaderError::bad_extension;
      if (!has_right_checksum(header, at)) return ProxyHeaderError::wrong_checksum;
      checked = true;
    }
    at += size;
  }
  return std::nullopt;
}

ProxyHeaderRead take_proxied(std::string_view header) {
  const auto family = static_cast<Family>(byte_at(header, 13) >> 4);
  const auto addresses_end = proxy_header_bytes_min + address_bytes(family);
  if (header.size() < addresses_end) return ProxyHeaderError::too_short;
  if (const auto error = check_extensions(header, addresses_end)) return *error;
  const auto at = proxy_header_bytes_min;
  if (family == Family::ipv4) {
    return ProxyHeader{header.size(), ProxiedPeer{peer_of_ipv4(array_at<4>(header, at)), number_at(header, at + 8)}};
  }
  if (family == Family::ipv6) {
    return ProxyHeader{header.size(), ProxiedPeer{peer_of_ipv6(array_at<16>(header, at)), number_at(header, at + 32)}};
  }
  return ProxyHeader{header.size(), std::nullopt};  // it came by a unix socket of the balancer's machine
}

// Of the bytes up to the length, those that are there.
std::optional<ProxyHeaderError> check_fixed(std::string_view bytes) {
  if (bytes.size() <= 12) return std::nullopt;
  if (byte_at(bytes, 12) >> 4 != 2) return ProxyHeaderError::bad_version;
  const auto command = byte_at(bytes, 12) & 0xf;
  if (command > 1) return ProxyHeaderError::bad_command;
  if (bytes.size() <= 13 || command == 0) return std::nullopt;
  const auto family_and_kind = byte_at(bytes, 13);
  if (family_and_kind == 0) return ProxyHeaderError::unknown_peer;
  if ((family_and_kind & 0xf) != stream || family_and_kind >> 4 < 1 || family_and_kind >> 4 > 3) {
    return ProxyHeaderError::bad_family;
  }
  return std::nullopt;
}

}  // namespace

ProxyHeaderRead read_proxy_header(std::string_view bytes) {
  if (!bytes.empty() && begins_alike(bytes, version_1_word)) {
    if (bytes.size() < version_1_word.size()) return ProxyHeaderWants{version_1_word.size()};
    return ProxyHeaderError::version_1;
  }
  if (!begins_alike(bytes, proxy_signature)) return ProxyHeaderError::no_header;
  if (const auto error = check_fixed(bytes)) return *error;
  if (bytes.size() < proxy_header_bytes_min) return ProxyHeaderWants{proxy_header_bytes_min};
  const std::size_t whole = proxy_header_bytes_min + number_at(bytes, 14);
  if (whole > proxy_header_bytes_max) return ProxyHeaderError::too_long;
  if (bytes.size() < whole) return ProxyHeaderWants{whole};
  // LOCAL: the balancer speaks for itself, as for its health checks; what else it says is dropped unseen.
  if ((byte_at(bytes, 12) & 0xf) == 0) return ProxyHeader{whole, std::nullopt};
  return take_proxied(bytes.substr(0, whole));
}

std::string to_text(const ProxiedPeer& peer) { return to_text(peer.address) + ':' + std::to_string(peer.port); }

std::string_view to_text(ProxyHeaderError error) {
  switch (error) {
    case ProxyHeaderError::no_header:
      return "it sends no PROXY protocol header, though it is in proxy-protocol-from: let the balancer send version 2, "
             "or take the address out of the list";
    case ProxyHeaderError::version_1:
      return "its PROXY protocol header is of version 1: let the balancer send version 2 (haproxy: send-proxy-v2)";
    case ProxyHeaderError::bad_version:
      return "its PROXY protocol header is of an unknown version";
    case ProxyHeaderError::bad_command:
      return "the command of its PROXY protocol header is neither LOCAL nor PROXY";
    case ProxyHeaderError::bad_family:
      return "its PROXY protocol header is not for a stream of IPv4, IPv6 or a unix socket";
    case ProxyHeaderError::unknown_peer:
      return "its PROXY protocol header does not tell the client's address";
    case ProxyHeaderError::too_short:
      return "its PROXY protocol header is too short for its addresses";
    case ProxyHeaderError::too_long:
      return "its PROXY protocol header has more than 536 bytes";
    case ProxyHeaderError::bad_extension:
      return "the extensions of its PROXY protocol header are broken";
    case ProxyHeaderError::wrong_checksum:
      return "the checksum of its PROXY protocol header is wrong";
  }
  return {};
}

}  // namespace flare
