#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/cluster/node.h"
#include "common/protocol/request.h"
#include "flared/storage/storage.h"

namespace flare {

/// What an original master sends its slave through the slave's server-port: prefixed writes (docs/replication.md 5).
/// They go into the store, and while a dump of that master is read also into the new one. `take` is for the workers,
/// all else for the control thread.
class ReplicatedWrites {
 public:
  explicit ReplicatedWrites(Storage& storage) : storage_(storage) {}

  /// From now on the writes of that master are taken.
  void open(const NodeKey& master);
  void close();
  /// A while after this node has ceased to follow: as its successor it takes what the old master has still to say, and
  /// the workers hear of the new map a little later than the control thread.
  void close_soon();

  /// They also go into the new store; null: no more. It must live until then.
  void build_into(Replacement* replacement);
  /// The new store is about to be swapped in: it is left alone, and what comes is kept.
  void hold();
  /// It is in: what was kept goes there too. False: something is missing in it (kept too much, or a write failed); it
  /// has to be built again. Outside a Batch.
  bool release();
  /// Whether all that came since `build_into` is in the new store.
  bool build_is_whole() const;

  bool is_open() const { return open_.load(std::memory_order_relaxed); }
  std::uint64_t taken() const { return taken_.load(std::memory_order_relaxed); }
  /// Carries the request out if it is replication of that master: its name is the last in the prefix, and it has a form
  /// of replication. nullopt: it is not. Inside a Batch.
  std::optional<Result<Outcome, StorageError>> take(const Request& request, std::int64_t now_s);

 private:
  struct Kept {
    OperationKind kind;
    std::string key;
    std::string data;
    std::uint32_t flags;
    std::int64_t expire_s;
    std::int64_t hold_until_s;
    RecordVersion version;
  };
  enum class Mode : std::uint8_t { direct, building, holding };

  Result<Outcome, StorageError> carry_out(const Operation& operation, std::int64_t now_s);
  void keep(const Operation& operation);
  void note_touch(const Operation& operation, const Outcome& outcome);
  void begin(Mode mode, Replacement* replacement);

  Storage& storage_;
  std::atomic<bool> open_{false};
  std::atomic<std::uint64_t> taken_{0};
  mutable std::mutex mutex_;  // of what follows; held during a write, so that each key keeps its order in both stores
  NodeKey master_;
  std::optional<std::chrono::steady_clock::time_point> closes_at_;
  Mode mode_ = Mode::direct;
  Replacement* replacement_ = nullptr;
  bool whole_ = true;
  std::vector<Kept> kept_;
  std::map<std::string, std::int64_t, std::less<>> early_touches_;  // of keys that the dump has not brought yet
  std::size_t kept_bytes_ = 0;
};

/// Whether the request has a form in which a master replicates (docs/spec/cluster.md 5.3). Pure.
bool is_replication_form(const Request& request);

}  // namespace flare
