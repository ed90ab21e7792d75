#pragma once

#include <cstdint>

#include "flared/storage/log_entry.h"

/// What epoch tables say of two logs of one history (docs/replication.md 2, 11). Pure.
namespace flare {

/// The table with the row of the present epoch up to date, and without epochs that have no entry: those say nothing
/// about the history, and the two sides may know different ones.
EpochTable rows_with_entries(EpochTable epochs, const Position& position);

/// The table of a log that ends at `last`, one of its entries.
EpochTable rows_up_to(const EpochTable& epochs, const Position& last);

/// The last entry that both logs have, and how many the slave has behind it, which its source lacks.
struct Divergence {
  Epoch epoch{0};
  Sequence sequence{0};  // 0: not even the first is known to be common
  std::uint64_t surplus = 0;

  bool operator==(const Divergence&) const = default;
};

/// Of two logs with one log-id. Each epoch has one master, so two logs that both have entries of it agree up to the
/// shorter one's last of them, and before.
Divergence divergence(const Position& slave, const EpochTable& slave_epochs, const Position& source,
                      const EpochTable& source_epochs);

}  // namespace flare
