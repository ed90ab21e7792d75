#include "common/protocol/door.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace flare {
namespace {

// What the word `data` of a door, or a client's list, gives.
constexpr AccessClasses clients = AccessClass::read | AccessClass::data;

AccessClasses with_list(AccessClasses some, const std::optional<AddressList>& from, const PeerAddress& peer) {
  return !from || from->contains(peer) ? some : AccessClasses{};
}

AccessClasses without_list(AccessClasses some, const std::optional<AddressList>& from) {
  return from ? AccessClasses{} : some;
}

// Every address of a family, or two doors with one address.
bool binds_meet(const Door& a, const Door& b) {
  if (a.bind.empty() || b.bind.empty()) return true;
  return std::any_of(a.bind.begin(), a.bind.end(), [&](const std::string& one) {
    return std::find(b.bind.begin(), b.bind.end(), one) != b.bind.end();
  });
}

}  // namespace

AccessClasses Door::granted_to(const PeerAddress& peer) const {
  return classes & (with_list(clients, data_from, peer) | with_list(AccessClass::cluster, cluster_from, peer) |
                    with_list(AccessClass::admin, admin_from, peer));
}

AccessClasses Door::open_to_all() const {
  const auto open = without_list(clients, data_from) | without_list(AccessClass::cluster, cluster_from) |
                    without_list(AccessClass::admin, admin_from);
  return classes & open.without(to_be_proven);
}

std::string class_words(AccessClasses classes) {
  std::string text;
  for (const auto one : {AccessClass::data, AccessClass::cluster, AccessClass::admin}) {
    if (!classes.has_any_of(one)) continue;
    if (!text.empty()) text += ',';
    text += to_text(one);
  }
  return text.empty() ? "none" : text;
}

std::optional<std::string> open_doors_warning(const std::vector<Door>& doors) {
  std::string open;
  for (const auto& door : doors) {
    if (door.open_to_all().empty()) continue;
    open += fmt::format("{}{} (port {}) for {}", open.empty() ? "" : "; ", door.name, door.port,
                        class_words(door.open_to_all()));
  }
  if (open.empty()) return std::nullopt;
  return "open to everybody who can reach it: " + open +
         ". Set client-allow-from, cluster-allow-from and admin-allow-from, for a named door its allow";
}

bool lets_nodes_in(const std::vector<Door>& doors, std::string_view peer) {
  const auto address = parse_peer_address(peer.substr(0, peer.rfind(':'))).value_or(PeerAddress{});
  return std::any_of(doors.begin(), doors.end(),
                     [&](const Door& door) { return door.granted_to(address).has_any_of(AccessClass::cluster); });
}

std::optional<std::string> door_clash(const std::vector<Door>& doors) {
  for (auto a = doors.begin(); a != doors.end(); ++a) {
    for (auto b = std::next(a); b != doors.end(); ++b) {
      if (a->port == b->port && binds_meet(*a, *b)) {
        return fmt::format("port {} on the same address belongs to door {} already", b->port, a->name);
      }
    }
  }
  return std::nullopt;
}

std::optional<AccessClasses> parse_access_classes(std::string_view text) {
  AccessClasses classes;
  for (const auto word : split_at_commas(text)) {
    AccessClasses found;
    for (const auto one : {AccessClass::data, AccessClass::cluster, AccessClass::admin}) {
      if (word == to_text(one)) found = one;
    }
    if (found == AccessClass::data) found = clients;
    if (found.empty() || classes.has_any_of(found)) return std::nullopt;
    classes = classes | found;
  }
  return classes;
}

}  // namespace flare
