#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

/// Who may come in, by address (docs/security.md). Pure.
namespace flare {

/// Where a connection comes from: an address, or this machine by a unix socket.
struct PeerAddress {
  enum class Family : std::uint8_t { unix_socket, ipv4, ipv6 };
  Family family = Family::unix_socket;
  std::array<std::uint8_t, 16> bytes{};  // in network order; IPv4 in the first four
  bool operator==(const PeerAddress&) const = default;
};

/// A numeric address. An IPv4 address in IPv6 clothes (::ffff:a.b.c.d) is taken as what it is.
std::optional<PeerAddress> parse_peer_address(std::string_view text);
PeerAddress peer_of_ipv4(const std::array<std::uint8_t, 4>& bytes);
PeerAddress peer_of_ipv6(const std::array<std::uint8_t, 16>& bytes);
/// As a list would name it.
std::string to_text(const PeerAddress& address);

constexpr std::size_t address_list_entries_max = 1024;

/// `10.0.0.0/8, 192.0.2.7, 2001:db8::/32, unix`; or one of the words `all` and `none`.
class AddressList {
 public:
  /// The list, or which entry is wrong and what to write.
  static Result<AddressList, std::string> parse(std::string_view text);

  bool contains(const PeerAddress& peer) const;
  bool operator==(const AddressList&) const = default;

 private:
  struct Network {
    PeerAddress address;
    int prefix_bits = 0;
    bool operator==(const Network&) const = default;
  };
  static Result<Network, std::string> parse_network(std::string_view entry);
  static bool matches(const Network& network, const PeerAddress& peer);

  bool all_ = false;
  bool unix_ = false;
  std::vector<Network> networks_;
};

/// The words between commas, without the blanks around them.
std::vector<std::string_view> split_at_commas(std::string_view text);

}  // namespace flare
