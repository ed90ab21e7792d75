#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/protocol/address_list.h"
#include "common/protocol/command_class.h"

/// The doors of a daemon: where it listens and who may ask what there (docs/security.md). Pure.
namespace flare {

/// What a door speaks.
enum class DoorTls : std::uint8_t {
  none,
  server,  // TLS with the daemon's certificate; clients show none
  mutual,  // only whoever has a certificate of the cluster's authority comes in
};

/// One door: a port on some addresses. A class without a list is open to all who can reach the port.
struct Door {
  std::string name;  // `server-port`, which always exists, or NAME of door.NAME.port
  int port = 0;
  std::vector<std::string> bind;  // numeric; empty: all addresses
  DoorTls tls = DoorTls::none;
  AccessClasses classes = AccessClasses::all();
  std::optional<AddressList> data_from;
  std::optional<AddressList> cluster_from;
  std::optional<AddressList> admin_from;
  std::optional<AddressList> proxies_from;  // load balancers, which tell the addresses of their clients
  AccessClasses to_be_proven;  // an address alone does not give them: a user's password, a cluster's secret, ... does
  std::string key_prefix;      // its clients see the keys that begin so, without it; empty: all keys as they are

  /// The classes of this door that `peer` may have; none: it is not let in.
  AccessClasses granted_to(const PeerAddress& peer) const;
  /// The classes of this door that anybody has: no list, and nothing to be proven.
  AccessClasses open_to_all() const;
  bool is_balancer(const PeerAddress& peer) const { return proxies_from && proxies_from->contains(peer); }
  bool operator==(const Door&) const = default;
};

constexpr const char* main_door_name = "server-port";

/// `data,cluster`; `none` for no class.
std::string class_words(AccessClasses classes);

/// One sentence for all doors that are open to everybody; nullopt: none is.
std::optional<std::string> open_doors_warning(const std::vector<Door>& doors);

/// Whether a door gives the class cluster to `peer`, `address:port` or the path of a unix socket.
bool lets_nodes_in(const std::vector<Door>& doors, std::string_view peer);

/// Two doors that cannot both listen, as a sentence; nullopt: there are none.
std::optional<std::string> door_clash(const std::vector<Door>& doors);

/// `data, cluster` or the like; nullopt: a word that is no class, or one twice, or none.
std::optional<AccessClasses> parse_access_classes(std::string_view text);

}  // namespace flare
