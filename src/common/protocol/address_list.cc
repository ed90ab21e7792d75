#include "common/protocol/address_list.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/base/printable.h"

namespace flare {
namespace {

constexpr int mapped_bits = 96;  // ::ffff: before an IPv4 address

bool is_mapped(const std::array<std::uint8_t, 16>& bytes) {
  const auto zero = [](std::uint8_t byte) { return byte == 0; };
  return std::all_of(bytes.begin(), bytes.begin() + 10, zero) && bytes[10] == 0xff && bytes[11] == 0xff;
}

int bits_of(const PeerAddress& address) { return address.family == PeerAddress::Family::ipv4 ? 32 : 128; }

// With all bits behind the prefix cleared.
PeerAddress network_of(PeerAddress address, int prefix_bits) {
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(prefix_bits - i * 8, 0, 8);
    address.bytes[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xff << (8 - kept));
  }
  return address;
}

std::optional<int> parse_prefix(std::string_view text) {
  int bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (error != std::errc{} || end != text.data() + text.size() || bits < 0) return std::nullopt;
  return bits;
}

}  // namespace

PeerAddress peer_of_ipv4(const std::array<std::uint8_t, 4>& bytes) {
  PeerAddress peer{PeerAddress::Family::ipv4, {}};
  std::copy(bytes.begin(), bytes.end(), peer.bytes.begin());
  return peer;
}

PeerAddress peer_of_ipv6(const std::array<std::uint8_t, 16>& bytes) {
  if (is_mapped(bytes)) return peer_of_ipv4({bytes[12], bytes[13], bytes[14], bytes[15]});
  return {PeerAddress::Family::ipv6, bytes};
}

std::string to_text(const PeerAddress& address) {
  if (address.family == PeerAddress::Family::unix_socket) return "unix";
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.family == PeerAddress::Family::ipv4 ? AF_INET : AF_INET6;
  ::inet_ntop(family, address.bytes.data(), text.data(), text.size());
  return text.data();
}

std::optional<PeerAddress> parse_peer_address(std::string_view text) {
  const std::string word(text);
  std::array<std::uint8_t, 4> ipv4{};
  if (::inet_pton(AF_INET, word.c_str(), ipv4.data()) == 1) return peer_of_ipv4(ipv4);
  std::array<std::uint8_t, 16> ipv6{};
  if (::inet_pton(AF_INET6, word.c_str(), ipv6.data()) == 1) return peer_of_ipv6(ipv6);
  return std::nullopt;
}

std::vector<std::string_view> split_at_commas(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const auto comma = text.find(',');
    auto word = text.substr(0, comma);
    const auto first = word.find_first_not_of(" \t");
    word = first == std::string_view::npos ? std::string_view{} : word.substr(first);
    words.push_back(word.substr(0, word.find_last_not_of(" \t") + 1));
    if (comma == std::string_view::npos) return words;
    text.remove_prefix(comma + 1);
  }
}

Result<AddressList::Network, std::string> AddressList::parse_network(std::string_view entry) {
  const auto slash = entry.find('/');
  const auto address = parse_peer_address(entry.substr(0, slash));
  if (!address) {
    return fmt::format("'{}' is no numeric address, network (address/bits) or the word unix", printable(entry));
  }
  Network network{*address, bits_of(*address)};
  if (slash == std::string_view::npos) return network;
  const auto prefix = parse_prefix(entry.substr(slash + 1));
  const bool mapped = network.address.family == PeerAddress::Family::ipv4 && entry.find(':') != std::string_view::npos;
  const int lowest = mapped ? mapped_bits : 0;
  const int highest = lowest + bits_of(*address);
  if (!prefix || *prefix < lowest || *prefix > highest) {
    return fmt::format("'{}': the number behind '/' must be from {} to {}", printable(entry), lowest, highest);
  }
  network.prefix_bits = *prefix - lowest;
  const auto whole = network_of(*address, network.prefix_bits);
  if (whole == *address) return network;
  // Somebody meant one host or another network: which one is not for us to guess.
  return fmt::format("'{}' has bits set behind its prefix: write {}/{} for the network, or {} for the host",
                     printable(entry), to_text(whole), network.prefix_bits, to_text(*address));
}

Result<AddressList, std::string> AddressList::parse(std::string_view text) {
  const auto entries = split_at_commas(text);
  if (entries.size() > address_list_entries_max) {
    return fmt::format("has {} entries, {} are allowed", entries.size(), address_list_entries_max);
  }
  AddressList list;
  for (const auto entry : entries) {
    if (entry == "all" || entry == "none") {
      if (entries.size() > 1) return fmt::format("'{}' must stand alone", entry);
      list.all_ = entry == "all";
    } else if (entry == "unix") {
      list.unix_ = true;
    } else if (entry.empty()) {
      return std::string("has an empty entry: name addresses, networks and unix, or write all or none");
    } else {
      const auto network = parse_network(entry);
      if (!network) return network.error();
      list.networks_.push_back(*network);
    }
  }
  return list;
}

bool AddressList::matches(const Network& network, const PeerAddress& peer) {
  return network.address.family == peer.family && network_of(peer, network.prefix_bits) == network.address;
}

bool AddressList::contains(const PeerAddress& peer) const {
  if (all_) return true;
  if (peer.family == PeerAddress::Family::unix_socket) return unix_;
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const Network& network) { return matches(network, peer); });
}

}  // namespace flare
