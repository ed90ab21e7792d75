#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/limits.h"

namespace flare {

/// What a connection is counted as.
enum class Place : std::uint8_t {
  none,    // there was none: it is refused
  client,  // one of max-connection
  trial,   // clients have taken all, but a daemon of the cluster may be at its end: it must show that at once
  node,    // a daemon of the cluster is at its end
};

/// Who holds how many connections: clients up to max-connection, and beside them the cluster's own daemons up to a
/// bound of their own. So clients never keep out the index's probe, which in the original makes a full node a dead one
/// (docs/spec/cluster.md 9.16). Safe from any thread; asked when a connection begins, shows who it is, and ends.
/// `peer` is `address:port` or the path of a unix socket.
class ConnectionPlaces {
 public:
  enum class Proof : std::uint8_t {
    hello,    // it has told the cluster's id
    request,  // it sent what only daemons send: an original's, if its address is known
  };
  struct Figures {
    std::size_t clients_max = 0;
    std::size_t clients = 0;
    std::size_t nodes = 0;  // trials included
    std::uint64_t refused = 0;
  };

  explicit ConnectionPlaces(std::size_t clients_max = limits::connections_max) { figures_.clients_max = clients_max; }

  void change_clients_max(std::size_t clients_max);
  /// The addresses, without ports, of the map's nodes and of the indexes.
  void know(std::set<std::string, std::less<>> addresses);

  /// A place for a connection that was just accepted; `nodes_only`: it came in where clients may ask nothing.
  Place take(std::string_view peer, bool nodes_only);
  /// The place of a connection that has shown who it is; as it was, where that is not enough.
  Place settle(Place place, std::string_view peer, Proof proof);
  void leave(Place place, std::string_view peer);
  Figures figures() const;

 private:
  bool has_node_place(std::string_view address) const;
  void add_node(std::string_view address);

  mutable std::mutex mutex_;
  Figures figures_;
  std::set<std::string, std::less<>> known_;
  std::unordered_map<std::string, std::size_t> nodes_at_;  // by address
};

}  // namespace flare
