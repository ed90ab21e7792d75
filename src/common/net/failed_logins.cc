#include "common/net/failed_logins.h"

#include <algorithm>
#include <limits>

namespace flare {

namespace {

constexpr std::size_t network_bytes_ipv6 = 8;  // what one subscriber usually has

}  // namespace

Guesser::Guesser(const PeerAddress& peer) : family(peer.family), bytes(peer.bytes) {
  if (family == PeerAddress::Family::ipv6) std::fill(bytes.begin() + network_bytes_ipv6, bytes.end(), 0);
}

void FailedLogins::add(const Guesser& who, Time now) {
  if (failures_.size() >= addresses_max && !failures_.contains(who)) make_room();
  auto& failures = failures_[who];
  if (now - failures.last >= remembered) failures.count = 0;
  if (failures.count < std::numeric_limits<int>::max()) ++failures.count;
  failures.last = now;
}

int FailedLogins::count(const Guesser& who, Time now) const {
  const auto found = failures_.find(who);
  return found == failures_.end() || now - found->second.last >= remembered ? 0 : found->second.count;
}

void FailedLogins::make_room() {
  failures_.erase(std::min_element(failures_.begin(), failures_.end(), [](const auto& one, const auto& other) {
    return one.second.last < other.second.last;
  }));
}

}  // namespace flare
