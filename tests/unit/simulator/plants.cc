#include "unit/simulator/plants.h"

namespace flare::sim {

std::string_view to_text(Plant plant) {
  switch (plant) {
    case Plant::none:
      return "none";
    case Plant::acknowledged_before_logged:
      return "acknowledged_before_logged";
    case Plant::acknowledged_before_committed:
      return "acknowledged_before_committed";
    case Plant::epoch_not_raised:
      return "epoch_not_raised";
    case Plant::joiner_not_waited_for:
      return "joiner_not_waited_for";
    case Plant::leaver_dropped_early:
      return "leaver_dropped_early";
    case Plant::out_of_sync_promoted:
      return "out_of_sync_promoted";
    case Plant::stale_snapshot_swapped_in:
      return "stale_snapshot_swapped_in";
    case Plant::answer_of_another_request:
      return "answer_of_another_request";
    case Plant::epoch_not_checked:
      return "epoch_not_checked";
    case Plant::surplus_key_not_fetched:
      return "surplus_key_not_fetched";
    case Plant::surplus_kept_in_log:
      return "surplus_kept_in_log";
    case Plant::old_map_taken:
      return "old_map_taken";
  }
  return "";
}

}  // namespace flare::sim
