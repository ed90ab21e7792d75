#pragma once

#include <array>
#include <string_view>

/// Errors that a run can be told to make: the schedules must find each of them, or they find nothing (tests of the test).
namespace flare::sim {

enum class Plant {
  none,
  acknowledged_before_logged,     // a write is answered before the kernel has its entry
  acknowledged_before_committed,  // a sync write is answered when it is written at the master only
  epoch_not_checked,              // a slave takes a stream of an epoch that has ended
  joiner_not_waited_for,          // the index hears that a slave is in sync before its acknowledgement is waited for
  leaver_dropped_early,           // a silent slave is not waited for before the index has stored its removal
  stale_snapshot_swapped_in,      // records of a broken snapshot stay in the next one
  answer_of_another_request,      // a late answer goes to the request that waits now
  unwritten_entries_sent,         // a master sends what its kernel does not have yet
  log_gap_taken,                  // a source resumes a slave whose position is not in its log
  old_map_taken,                  // a node takes a map older than its own
  least_complete_promoted,        // the index takes the lowest position
};

inline constexpr std::array plants{
    Plant::acknowledged_before_logged, Plant::acknowledged_before_committed, Plant::epoch_not_checked,
    Plant::joiner_not_waited_for,      Plant::leaver_dropped_early,          Plant::stale_snapshot_swapped_in,
    Plant::answer_of_another_request,  Plant::unwritten_entries_sent,        Plant::log_gap_taken,
    Plant::old_map_taken,              Plant::least_complete_promoted,
};

std::string_view to_text(Plant plant);

}  // namespace flare::sim
