#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "common/base/limits.h"

namespace flare {

/// Makes room in a file beyond its end; 0 or an errno value. Replaced in tests to play a full disk.
using ReserveSpace = std::function<int(int descriptor, std::uint64_t offset, std::uint64_t bytes)>;

/// Brings a file's data, or a folder, to the disk; 0 or an errno value. Replaced in tests to play a power cut.
using SyncFile = std::function<int(int descriptor, const std::filesystem::path& path)>;

/// What survives (docs/design.md 3.6): the log is never synced, within a second, or before an answer leaves.
enum class Durability : std::uint8_t { process, interval, group };

/// When a checkpoint is due (docs/design.md 3.2): a commit takes as long as its undo file is long, 0.24 ms after 5,500
/// sets, 16 ms after 550,000. Others in the benchmark only.
struct CheckpointPace {
  std::uint64_t volume_max = 4096;  // writes, and one more for each KiB
  std::chrono::milliseconds dirty_max{1000};
};

/// When the store is rewritten (rewrite_rules.h), and how gently. Others in tests only.
struct RewritePace {
  std::uint64_t waste_bytes_min = 4 * 1024 * 1024;  // a small store is left alone
  std::uint64_t items_min = 10'000;
  int share_of_time = 4;                        // it works one part of so many
  std::chrono::milliseconds try_again{60'000};  // what did not come to its end
};

/// Told in tests only, which kill the process there or write meanwhile.
enum class RewriteStep : std::uint8_t { copied, synced, caught_up, closed, renamed, opened };

/// What a KyotoStorage is made with. Options of docs/spec/daemons.md 1.3 by their meaning.
struct StorageOptions {
  std::filesystem::path data_dir = {};
  std::int64_t buckets = 1'048'576;  // storage-bucket-size; at least the number of keys (design.md 3)
  bool large = true;  // storage-large; new files have large offsets in either case (design.md 3: never TSMALL)
  int alignment = 4;  // storage-ap: records begin at multiples of 2^alignment
  std::int64_t map_bytes = std::int64_t{1} << 36;   // the map must cover the file; address space is free (design.md 3)
  std::uint64_t log_max_bytes = 256 * 1024 * 1024;  // log-max-size
  std::size_t deletions_max = 65536;                // storage-cache-size: remembered deletions (protocol.md 3)
  std::size_t data_bytes_max = limits::value_bytes_max;
  std::int64_t flush_keep_s = 3600;      // flush-keep: how long a flushed store stays aside (design.md 3.7)
  std::uint64_t disk_reserve_bytes = 0;  // disk-reserve; 0: a share of the disk (store_space.cc)
  CheckpointPace checkpoint_pace = {};
  RewritePace rewrite_pace = {};
  std::function<void(RewriteStep)> at_rewrite_step = {};
  Durability durability = Durability::process;
  ReserveSpace reserve = {};  // empty: fallocate, above disk-reserve
  SyncFile sync = {};         // empty: fdatasync
};

/// Why a store did not open: one sentence that names the file and what to do.
struct OpenFailure {
  std::string text;
};

}  // namespace flare
