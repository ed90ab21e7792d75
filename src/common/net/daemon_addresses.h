#pragma once

#include <memory>
#include <set>
#include <string>

#include "common/net/connection_places.h"
#include "common/net/task.h"

namespace flare {

/// Tells the places of connections from which addresses daemons of the cluster come. Names that are no numbers are
/// looked up, each time anew: maps change seldom. Belongs to its executor's thread; `places` lives longer.
class DaemonAddresses {
 public:
  using Names = std::set<std::string, std::less<>>;

  DaemonAddresses(IoExecutor executor, ConnectionPlaces& places) : executor_(executor), places_(places) {}

  /// Of the map's nodes and of the indexes, all of them.
  void learn(Names names);

 private:
  void look_up(const std::string& name);

  IoExecutor executor_;
  ConnectionPlaces& places_;
  std::shared_ptr<Names> addresses_;  // of the present names, as far as they are known
};

}  // namespace flare
