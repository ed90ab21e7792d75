#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/cluster/key_hash.h"
#include "common/cluster/modular_table.h"
#include "common/cluster/node_map.h"
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
  };
  struct Failure {
    enum class Kind { unreachable, refused, protocol } kind = Kind::unreachable;
    std::string text;  // a sentence that names the index
  };

  IndexLink(IoExecutor executor, std::vector<Server> servers, std::string bind_address, Log& log);

  /// `node add`, `meta`. Tries again while the index is unreachable (`connect_for`) or refuses because it has not
  /// noticed yet that this node's former process has ended (`refused_for`, cluster.md 10).
  IoTask<Result<Joined, Failure>> join(NodeKey own, std::string server_name, int port,
                                       std::chrono::milliseconds connect_for, std::chrono::milliseconds refused_for);
  /// One request that is answered `OK`.
  IoTask<Result<void, Failure>> tell(std::string request, std::chrono::milliseconds deadline);
  /// After HUP.
  void set_servers(std::vector<Server> servers) { servers_ = std::move(servers); }

 private:
  IoTask<Result<Joined, Failure>> join_once(Server server, std::string server_name, int port);

  IoExecutor executor_;
  std::vector<Server> servers_;
  std::string bind_address_;
  Log& log_;
};

}  // namespace flare
