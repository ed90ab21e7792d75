#pragma once

#include <cstdint>
#include <vector>

#include "common/base/ids.h"

namespace flare {

/// What `meta` tells about partitioning (docs/spec/cluster.md 1.3).
struct PartitionMeta {
  int partition_size = 1024;
  int modular_hint = 1;
  int modular_virtual = 4096;
  bool operator==(const PartitionMeta&) const = default;
};

/// One row of the modular resolver (cluster.md 2.2): slot -> partition, for `partitions` partitions. Made when needed,
/// since a daemon uses one or two of the up to 1,023 rows. Pure.
class ModularRow {
 public:
  /// `partitions` from 1 to meta.partition_size - 1; meta has passed its own checks (all fields >= 1).
  ModularRow(const PartitionMeta& meta, int partitions);

  PartitionId partition_of(std::uint32_t hash) const { return PartitionId{slots_[hash % slots_.size()]}; }
  const std::vector<std::int32_t>& slots() const { return slots_; }

 private:
  std::vector<std::int32_t> slots_;
};

}  // namespace flare
