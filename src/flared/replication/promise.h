#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace flare {

/// What a node has promised to the index that asked where it stands (docs/replication.md 10): to take no stream of an
/// epoch below the one it may be promoted with. It lapses after 2 s, unless a map of that epoch arrives: then the map
/// says the same for good. Pure.
class Promise {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds lapses_after{2};

  struct Given {
    PartitionId partition{0};
    Epoch epoch{0};

    bool operator==(const Given&) const = default;
  };

  /// Why this is not promised; empty: it may be. `known`: the partition's epoch by the own map.
  std::string refusal(const Given& asked, Epoch known, TimePoint now) const;
  /// To be stored before it is told.
  void give(const Given& given, TimePoint now);
  /// A map has come in which the partition has this epoch.
  void on_map(PartitionId partition, Epoch epoch);

  /// Whether no stream may be taken now, because the one who will lead is not known yet.
  bool holds(TimePoint now) const { return given_ && now < lapses_at_; }
  TimePoint lapses_at() const { return lapses_at_; }

 private:
  std::optional<Given> given_;
  TimePoint lapses_at_;
};

/// The promise as a file keeps it; a node that restarts takes it as given anew.
std::string format_promise(const Promise::Given& given);
std::optional<Promise::Given> parse_promise(std::string_view text);

}  // namespace flare
