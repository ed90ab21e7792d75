#include "common/cluster/modular_table.h"

#include <cstddef>

namespace flare {
namespace {

// cluster.md 2.2, n <= h: every slot in turn.
std::vector<std::int32_t> hinted_row(int partitions, int slots) {
  std::vector<std::int32_t> row(static_cast<std::size_t>(slots));
  for (int slot = 0; slot < slots; ++slot) row[static_cast<std::size_t>(slot)] = slot % partitions;
  return row;
}

// cluster.md 2.2, n > h: each n-th slot of every old partition goes to the new one.
void grow(std::vector<std::int32_t>& row, int partitions, std::vector<int>& seen) {
  const int newest = partitions - 1;
  seen.assign(static_cast<std::size_t>(partitions), 0);
  for (auto& slot : row) {
    const int count = ++seen[static_cast<std::size_t>(slot)];
    if (count % partitions == newest) slot = newest;
  }
}

}  // namespace

ModularRow::ModularRow(const PartitionMeta& meta, int partitions) {
  const int first = partitions < meta.modular_hint ? partitions : meta.modular_hint;
  slots_ = hinted_row(first, meta.modular_virtual);
  std::vector<int> seen;
  for (int n = first + 1; n <= partitions; ++n) grow(slots_, n, seen);
}

}  // namespace flare
