#include <thread>

#include "flared/storage/hash_store.h"
#include "flared/storage/kyoto_storage.h"

/// Gives back what moved and removed records leave in the file (docs/spec/daemons.md 3.6), on the checkpoint thread.
namespace flare {
namespace {

using std::chrono::steady_clock;

// Workers wait for one slice at most (design.md 2), and have the gate for most of the time.
constexpr std::chrono::milliseconds slice_max{1};
constexpr int pause_factor = 4;
constexpr int slices_max = 4;  // between two checkpoints
constexpr int slices_max_behind = 32;
constexpr std::int64_t steps_at_once = 16;
// Each freed place is worth so many steps of the library: as many as keep the file near the size of its records.
constexpr std::int64_t steps_per_gap = 3;
// The end of the file is copied to the undo file before it is cut off, in one piece, while the workers wait.
constexpr std::int64_t file_bytes_max = 256 * 1024 * 1024;

}  // namespace

void KyotoStorage::tidy() {
  const auto behind = gaps_.load() > store_items() / 2;
  for (int slice = 0; slice < (behind ? slices_max_behind : slices_max); ++slice) {
    if (gaps_.load() <= 0) return;
    const auto begun = steady_clock::now();
    if (!tidy_slice()) return;
    std::this_thread::sleep_for(pause_factor * (steady_clock::now() - begun));
  }
  checkpoints_thread_->note_write(0);  // the rest, in a second at the latest
}

std::int64_t KyotoStorage::store_items() const { return std::max<std::int64_t>(0, files().store->db().count()); }

bool KyotoStorage::tidy_slice() {
  const std::lock_guard alone{gate_};
  // A record that moves behind a scan would be missing in it (design.md 3.5).
  if (health_ != Health::good || scans_ > 0 || disk_full_) return false;
  const auto size = store_->db().size();
  // With durability process a stop of the machine leaves nothing but this file: a record that nobody has written must
  // lie where it lay (PowerCut.ProcessSalvagesWhatCanBeProvenAndTellsTheRest).
  const bool all_there_is = options_.durability == Durability::process;
  if (options_.defrag_unit == 0 && (all_there_is || size > file_bytes_max)) return false;
  std::error_code error;
  const auto disk = std::filesystem::space(options_.data_dir, error);
  if (error || disk.available < static_cast<std::uint64_t>(size)) return false;  // the undo file may take as much

  const auto end = steady_clock::now() + slice_max;
  while (gaps_.load() > 0 && steady_clock::now() < end) {
    if (!store_->db().defrag(steps_at_once)) {
      std::ignore = poison("a defragmentation");
      return false;
    }
    gaps_ -= steps_at_once / steps_per_gap;
  }
  if (store_->db().size() < size) store_->space().truncated();
  return true;
}

}  // namespace flare
