#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "common/base/clock.h"
#include "common/cluster/key_hash.h"
#include "common/cluster/modular_table.h"
#include "common/net/blocking_pool.h"
#include "common/net/task.h"
#include "flared/control.h"
#include "flared/replication/dump_starts.h"
#include "flared/storage/storage.h"

namespace flare {

/// What a dump takes of the store (docs/spec/cluster.md 6.1, 6.3).
struct DumpSelection {
  bool keys_only = false;  // dump_key: KEY lines, expired entries listed
  std::optional<ModularRow> row;
  PartitionId partition = no_partition;  // with `row`: only its keys
  KeyHashAlgorithm key_hash = KeyHashAlgorithm::simple;
  int bandwidth_kb_s = 0;
  std::int64_t wait_us = 0;  // pause for each entry
};

/// One `dump` or `dump_key`: several may run at once (cluster.md 9.18). Slices on the blocking pool, pauses on the
/// control thread; ends with END, or with an error line that no reader takes for the end (daemons.md 3.5).
class StoreDump final : public Control::Dump, public std::enable_shared_from_this<StoreDump> {
 public:
  /// `starts`: is told where the log stands at the begin, and must outlive the control io_context; may be null.
  StoreDump(IoExecutor control, Storage& storage, BlockingPool& pool, const Clock& clock, DumpSelection selection,
            DumpStarts* starts = nullptr);
  void next(std::function<void(Chunk)> reply) override;

 private:
  struct Slice {
    Chunk chunk;
    std::uint64_t entries = 0;
  };
  IoTask<> run(std::function<void(Chunk)> reply);
  Slice take_slice();
  IoTask<> pause();

  IoExecutor control_;
  Storage& storage_;
  BlockingPool& pool_;
  const Clock& clock_;
  DumpSelection selection_;
  DumpStarts* starts_;
  std::unique_ptr<Scan> scan_;
  std::size_t given_bytes_ = 0;  // with the piece before
  std::uint64_t given_entries_ = 0;
};

}  // namespace flare
