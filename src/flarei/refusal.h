#pragma once

#include <string_view>

#include "common/base/result.h"
#include "common/cluster/node_map.h"

namespace flare {

/// Why a request about the node map is refused (docs/spec/cluster.md 1.3 - 1.5). For the log; the wire has one line for
/// all.
enum class Refusal {
  unknown_node,
  already_known,  // node add of a node that is neither down nor proven gone
  bad_name,       // node add of a name that no map could hold
  too_many_nodes,
  node_is_down,
  not_down,
  role_not_allowed,
  state_not_settable,
  not_preparing,
  master_not_ready,  // a master in state prepare cannot become active
  not_confirmed,     // its master has not said that the slave has everything
  epoch_moved,       // its sender may be a master no more
  slaves_behind,     // its master is asked to go, and no slave in sync has all that it has
  no_master,         // a slave needs a master that is not down
  partition_has_master,
  partition_not_next,  // neither an existing partition nor the next number
  balance_negative,
  balance_not_positive,  // a new master needs a balance of at least 1
  balance_sum_zero,      // no node of the partition would be read
  force_needed,          // its dead master may hold the only copy of the data
  only_copy,             // a preserved master without a successor is not removed
  not_stored,
  map_lost,  // flare.xml is gone: first a map is adopted, or an empty one by force
  not_lost,  // this index has a map: none is adopted
  no_such_offer,
  read_only,  // the nodes are being asked for their cluster, or disagree about it (docs/design.md 4)
};

std::string_view to_text(Refusal refusal);

/// The map after a request or event; the old one is untouched. The same version: nothing has changed, nothing to store.
using Decision = Result<NodeMap, Refusal>;

}  // namespace flare
