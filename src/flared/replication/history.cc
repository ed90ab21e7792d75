#include "flared/replication/history.h"

#include <algorithm>

namespace flare {

EpochTable rows_with_entries(EpochTable epochs, const Position& position) {
  const auto row =
      std::find_if(epochs.begin(), epochs.end(), [&](const EpochEnd& end) { return end.epoch == position.epoch; });
  if (row != epochs.end()) {
    row->last = position.sequence;
  } else {
    epochs.push_back({position.epoch, position.sequence});
    std::sort(epochs.begin(), epochs.end(), [](const auto& a, const auto& b) { return a.epoch < b.epoch; });
  }
  EpochTable kept;
  for (const auto& end : epochs) {
    if (end.last > (kept.empty() ? Sequence{0} : kept.back().last)) kept.push_back(end);
  }
  return kept;
}

EpochTable rows_up_to(const EpochTable& epochs, const Position& last) {
  EpochTable kept;
  for (const auto& end : epochs) {
    if (end.epoch <= last.epoch) kept.push_back({end.epoch, std::min(end.last, last.sequence)});
  }
  return kept;
}

Divergence divergence(const Position& slave, const EpochTable& slave_epochs, const Position& source,
                      const EpochTable& source_epochs) {
  const auto slave_rows = rows_with_entries(slave_epochs, slave);
  const auto source_rows = rows_with_entries(source_epochs, source);
  Divergence found;
  for (const auto& row : slave_rows) {
    const auto same = std::find_if(source_rows.begin(), source_rows.end(),
                                   [&](const EpochEnd& end) { return end.epoch == row.epoch; });
    if (same == source_rows.end()) continue;
    found.epoch = row.epoch;
    found.sequence = std::min(row.last, same->last);
  }
  found.surplus = slave.sequence > found.sequence ? raw(slave.sequence) - raw(found.sequence) : 0;
  return found;
}

}  // namespace flare
