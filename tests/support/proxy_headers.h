#pragma once

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

/// Headers of the PROXY protocol, version 2, written by its description and not by our reader.
namespace flare::test {

inline std::string two_bytes(std::size_t number) {
  return {static_cast<char>(number >> 8 & 0xff), static_cast<char>(number & 0xff)};
}

/// All of it as it is given: first the byte of version and command, then that of family and kind.
inline std::string proxy_header(int version_and_command, int family_and_kind, std::string_view rest) {
  std::string header{"\r\n\r\n\0\r\nQUIT\n", 12};
  header += static_cast<char>(version_and_command);
  header += static_cast<char>(family_and_kind);
  return header + two_bytes(rest.size()) + std::string{rest};
}

/// The block of addresses of a client at `address`, IPv4 or IPv6, to port 12121 of the balancer.
inline std::string proxied_addresses(const std::string& address, std::uint16_t port) {
  const bool ipv6 = address.find(':') != std::string::npos;
  std::array<char, 16> bytes{};
  if (::inet_pton(ipv6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1) return "no address: " + address;
  const std::string source{bytes.data(), ipv6 ? 16U : 4U};
  return source + std::string(source.size(), '\x01') + two_bytes(port) + two_bytes(12121);
}

/// PROXY for a TCP client; `extensions` behind the addresses.
inline std::string proxy_for(const std::string& address, std::uint16_t port = 4711, std::string_view extensions = {}) {
  const int family_and_kind = address.find(':') != std::string::npos ? 0x21 : 0x11;
  return proxy_header(0x21, family_and_kind, proxied_addresses(address, port) + std::string{extensions});
}

/// PROXY for a client at a unix socket of the balancer's machine.
inline std::string proxy_for_unix_socket() { return proxy_header(0x21, 0x31, std::string(216, '\0')); }

/// The balancer itself: LOCAL.
inline std::string proxy_for_itself() { return proxy_header(0x20, 0, ""); }

inline std::string proxy_extension(int type, std::string_view value) {
  return std::string(1, static_cast<char>(type)) + two_bytes(value.size()) + std::string{value};
}

}  // namespace flare::test
