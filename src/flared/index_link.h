#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/cluster/key_hash.h"
#include "common/cluster/modular_table.h"
#include "common/cluster/node_map.h"
#include "common/net/own_identity.h"
#include "common/net/task.h"

namespace flare {

/// What a flared asks its index, each on a new connection (docs/spec/cluster.md 1.2, 3). Runs on the control thread.
class IndexLink {
 public:
  struct Server {
    std::string name;
    int port = 0;
  };
  struct Joined {
    NodeMap map;
    PartitionMeta meta;
    KeyHashAlgorithm key_hash = KeyHashAlgorithm::simple;
    ClusterIdentity identity;  // of the index; empty: an original's
  };
  struct Failure {
    enum class Kind { unreachable, refused, protocol, foreign } kind = Kind::unreachable;
    std::string text;  // a sentence that names the index
  };

  IndexLink(IoExecutor executor, std::vector<Server> servers, std::string bind_address, Log& log,
            OwnIdentity* identity = nullptr);

  /// `meta`, before anything is registered or opened: whose index it is. `foreign` if it is not this node's. Tries
  /// again while the index is unreachable.
  IoTask<Result<ClusterIdentity, Failure>> ask_identity(std::chrono::milliseconds connect_for);

  /// Hello, `meta`, `node add`. Tries again while the index is unreachable (`connect_for`) or refuses because it has
  /// not noticed yet that this node's former process has ended (`refused_for`, cluster.md 10).
  IoTask<Result<Joined, Failure>> join(NodeKey own, std::string server_name, int port,
                                       std::chrono::milliseconds connect_for, std::chrono::milliseconds refused_for);
  /// Called when an original index refuses this node: it has not noticed that the former process has ended, and does
  /// not as long as its probes are answered with OK (docs/spec/cluster.md 1.3, 4.1).
  void on_original_refusal(std::function<void()> told) { on_original_refusal_ = std::move(told); }
  /// One request that is answered `OK`.
  IoTask<Result<void, Failure>> tell(std::string request, std::chrono::milliseconds deadline);
  /// `node offer` to an index that may have lost its map: `lines` are NODE lines and END, sent if it wants them.
  /// Whether it did.
  IoTask<Result<bool, Failure>> offer(std::string request, std::string lines);
  /// After HUP.
  void set_servers(std::vector<Server> servers) { servers_ = std::move(servers); }

 private:
  IoTask<std::optional<Failure>> introduce(PeerClient& client, Server server);
  IoTask<Result<bool, Failure>> offer_to(Server server, std::string_view request, std::string_view lines);
  IoTask<Result<Joined, Failure>> join_once(Server server, std::string server_name, int port);
  IoTask<Result<ClusterIdentity, Failure>> ask_identity_of(Server server);
  IoTask<Result<Joined, Failure>> ask_meta(PeerClient& client, Server server);
  IoTask<Result<Joined, Failure>> read_meta(PeerClient& client, Server server);
  IoTask<bool> is_of_own_tenant(Server server);
  std::optional<Failure> contradiction(const Server& server, const ClusterIdentity& told) const;

  IoExecutor executor_;
  std::vector<Server> servers_;
  std::string bind_address_;
  Log& log_;
  OwnIdentity* identity_;  // null: this node has none
  bool original_ = false;  // the index that was asked last
  std::function<void()> on_original_refusal_;
};

}  // namespace flare
