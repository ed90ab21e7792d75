#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <map>

#include "common/protocol/address_list.h"

namespace flare {

/// Whose guesses are counted together: an IPv4 address, the /64 of an IPv6 address, or all of the unix socket.
struct Guesser {
  explicit Guesser(const PeerAddress& peer);
  auto operator<=>(const Guesser&) const = default;

  PeerAddress::Family family;
  std::array<std::uint8_t, 16> bytes{};
};

/// Failed logins by address, for slowing guesses down. Forgotten after a minute without one; when too many addresses
/// fail, the one that failed longest ago is forgotten first. Pure.
class FailedLogins {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void add(const Guesser& who, Time now);
  int count(const Guesser& who, Time now) const;
  std::size_t size() const { return failures_.size(); }

  static constexpr std::chrono::seconds remembered{60};
  static constexpr std::size_t addresses_max = 4096;

 private:
  struct Failures {
    int count = 0;
    Time last;
  };
  void make_room();

  std::map<Guesser, Failures> failures_;
};

}  // namespace flare
