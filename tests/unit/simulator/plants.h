#pragma once

#include <array>
#include <string_view>

/// Errors that a run can be told to make: the schedules must find each of them, or they find nothing (tests of the
/// test).
namespace flare::sim {

enum class Plant {
  none,
  acknowledged_before_logged,     // a write is answered before the kernel has its entry
  acknowledged_before_committed,  // a sync write is answered when it is written at the master only
  epoch_not_raised,               // a new master numbers entries under the epoch of the one before
  joiner_not_waited_for,          // the index hears that a slave is in sync before its acknowledgement is waited for
  leaver_dropped_early,           // a silent slave is not waited for before the index has stored its removal
  out_of_sync_promoted,           // the index promotes an active slave that is not in sync (cluster.md 9.1)
  stale_snapshot_swapped_in,      // records of a broken snapshot stay in the next one
  answer_of_another_request,      // a late answer goes to the request that waits now (cluster.md 9.3)
  epoch_not_checked,        // a source resumes a slave by its sequence alone, whatever the epoch of its last entry
  surplus_key_not_fetched,  // a node that returns leaves one of the keys that it wrote alone as it is
  surplus_kept_in_log,      // it fetches them, but believes its position afterwards
  old_map_taken,            // a node takes a map older than its own
};

inline constexpr std::array plants{
    Plant::acknowledged_before_logged, Plant::acknowledged_before_committed, Plant::epoch_not_raised,
    Plant::joiner_not_waited_for,      Plant::leaver_dropped_early,          Plant::out_of_sync_promoted,
    Plant::stale_snapshot_swapped_in,  Plant::answer_of_another_request,     Plant::epoch_not_checked,
    Plant::surplus_key_not_fetched,    Plant::surplus_kept_in_log,           Plant::old_map_taken,
};

std::string_view to_text(Plant plant);

}  // namespace flare::sim
