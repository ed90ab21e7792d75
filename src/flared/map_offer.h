#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/base/log.h"
#include "common/net/task.h"
#include "flared/index_link.h"
#include "flared/routing.h"

namespace flare {

/// How long an index that probes each `interval` may be silent before it counts as having forgotten a node.
constexpr std::chrono::milliseconds forgotten_after(std::chrono::milliseconds interval) { return 3 * interval; }

/// Offers this node's map to its index when that has not probed it for long: it may have lost its own and not know of
/// the node (docs/operations.md, a lost flare.xml). Lives on the control thread.
class MapOffer {
 public:
  struct Setup {
    std::string server_name;
    int port = 0;
    /// monitor-interval, as the index told it; nullopt: it has told none.
    std::function<std::optional<std::chrono::milliseconds>()> interval = nullptr;
  };
  using View = std::function<std::shared_ptr<const RoutingView>()>;

  /// `probed`: when the index last probed this node, in ticks of the steady clock; 0: never.
  MapOffer(IoExecutor executor, Setup setup, IndexLink& index, View view, const std::atomic<std::int64_t>& probed,
           Log& log);
  MapOffer(const MapOffer&) = delete;
  MapOffer& operator=(const MapOffer&) = delete;

  void start();
  void stop();

 private:
  IoTask<> run();
  IoTask<> offer();
  bool is_forgotten() const;
  std::chrono::milliseconds interval() const;

  IoExecutor executor_;
  Setup setup_;
  IndexLink& index_;
  View view_;
  const std::atomic<std::int64_t>& probed_;
  Log& log_;
  Timer timer_;
  std::chrono::steady_clock::time_point started_;
  bool stopped_ = false;
  std::string said_;  // the last failure: said once
};

}  // namespace flare
