#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/base/result.h"
#include "flared/snapshot/snapshot_writer.h"
#include "flared/storage/storage.h"

namespace flare::snapshot {

/// Called between pieces with the bytes so far; false ends the taking. May sleep, to keep a pace.
using Progress = std::function<bool(std::uint64_t bytes)>;

/// Scans the store into `writer`, then copies what the log got meanwhile, and finishes the file: the store as of the
/// position returned. For the blocking pool: takes the gate in slices. The error is a sentence.
Result<Position, std::string> take(Storage& storage, Writer& writer, const Progress& progress);

struct TakenLocal {
  Position position;
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};
/// One for the own next start (local_snapshots.h), durably; the others stay.
Result<TakenLocal, std::string> take_local(Storage& storage, const std::filesystem::path& data_dir, const Head& head,
                                           const Progress& progress);

}  // namespace flare::snapshot
