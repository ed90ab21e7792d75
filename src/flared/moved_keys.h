#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/net/blocking_pool.h"
#include "common/net/task.h"
#include "flared/routing.h"
#include "flared/storage/storage.h"

namespace flare {

/// After a split the former master still has the keys that moved (docs/spec/cluster.md 9.14): they are dropped here in
/// the background, in slices with pauses. A drop is an entry of the own log, so that the slaves follow, and no deletion
/// anywhere else (docs/replication.md 7). Begins a while after the last change of the map and ends with the next one.
/// On the control thread; slices on the blocking pool.
class MovedKeys {
 public:
  /// Above the time that a new partition's master waits for its sources: until then it may read them anew.
  static constexpr std::chrono::seconds delay{6};
  /// Of the time.
  static constexpr int share_of_time = 10;

  MovedKeys(IoExecutor executor, Storage& storage, BlockingPool& pool, Log& log);

  void take_view(std::shared_ptr<const RoutingView> view);
  /// No new slice, and waits for the one in work: before the storage closes.
  IoTask<> stopped();
  std::uint64_t dropped() const { return dropped_; }  // since the start

 private:
  using Place = std::pair<PartitionId, std::size_t>;  // the own partition, and how many there are
  struct Slice {
    bool more = false;
    bool failed = false;
    std::uint64_t dropped = 0;
    std::chrono::steady_clock::duration took{};
  };

  bool is_due() const;
  Place place() const;
  void begin_later();
  IoTask<> run(std::uint64_t round);
  IoTask<bool> look_at_all(std::uint64_t round);
  Slice take_slice(Scan& scan, const RoutingView& view);
  bool drop(const std::vector<std::string>& keys);

  IoExecutor executor_;
  Storage& storage_;
  BlockingPool& pool_;
  Log& log_;
  std::shared_ptr<const RoutingView> view_;
  std::uint64_t round_ = 0;  // raised with each map
  Place clean_{no_partition, 0};
  Timer timer_;
  Timer pause_;
  bool running_ = false;
  bool stopping_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace flare
