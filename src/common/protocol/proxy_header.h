#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/protocol/address_list.h"

/// The header of the PROXY protocol, version 2: by it a load balancer tells whose connection it passes on
/// (docs/security.md, PROXY protocol). Pure.
namespace flare {

constexpr std::string_view proxy_signature{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t proxy_header_bytes_min = 16;   // signature, version and command, family, length
constexpr std::size_t proxy_header_bytes_max = 536;  // ours: two paths of unix sockets and 304 bytes behind them

/// Who is at the other end of the balancer.
struct ProxiedPeer {
  PeerAddress address;
  std::uint16_t port = 0;
  bool operator==(const ProxiedPeer&) const = default;
};

/// `address:port`, as logs and `stats conns` name peers.
std::string to_text(const ProxiedPeer& peer);

/// A whole header.
struct ProxyHeader {
  std::size_t bytes = 0;
  /// nullopt: whoever it is sits on the balancer's own machine, and the balancer's address counts.
  std::optional<ProxiedPeer> peer;
  bool operator==(const ProxyHeader&) const = default;
};

/// The begin of one, as far as it has come.
struct ProxyHeaderWants {
  std::size_t bytes_in_all = 0;  // at least, and never beyond the header's end
};

enum class ProxyHeaderError : std::uint8_t {
  no_header,       // the bytes are something else
  version_1,       // the header of version 1, a line of text
  bad_version,     // neither 1 nor 2
  bad_command,     // neither LOCAL nor PROXY
  bad_family,      // no stream of IPv4, IPv6 or a unix socket
  unknown_peer,    // PROXY, but it does not say for whom
  too_short,       // no room for the addresses of its family
  too_long,        // more than proxy_header_bytes_max
  bad_extension,   // the extensions behind the addresses do not fit into its length
  wrong_checksum,  // it has a CRC32c, which is another
};

/// What is wrong, as a part of a sentence.
std::string_view to_text(ProxyHeaderError error);

using ProxyHeaderRead = std::variant<ProxyHeaderWants, ProxyHeader, ProxyHeaderError>;

/// The signature where requests should be: a header that nobody expects. Read as lines it is two empty ones, a NUL
/// byte, and QUIT; what follows is no request.
class StrayHeader {
 public:
  /// Asked for each line that is no request, in order.
  bool ends_with(std::string_view line) {
    const bool ends = after_nul_ && line == "QUIT";
    after_nul_ = line == std::string_view{"\0", 1};
    return ends;
  }

 private:
  bool after_nul_ = false;
};

/// The header at the begin of `bytes`. Wrong bytes are refused as soon as they are there.
ProxyHeaderRead read_proxy_header(std::string_view bytes);

}  // namespace flare
