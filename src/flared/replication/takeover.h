#pragma once

#include <map>
#include <optional>

#include "common/base/ids.h"
#include "flared/storage/log_entry.h"

namespace flare {

/// A new partition's master has become active, and may serve a key only when it has all that the former master executed
/// for it (docs/replication.md 7): each source says where it stopped, and its stream must come that far. Sources are
/// named by their partition: after a failover its next master takes the place of the former one. Pure.
class Takeover {
 public:
  void begin_with(PartitionId source) { sources_.try_emplace(source); }
  /// The map knows no master of that partition any more, or it is an original, which hands nothing over.
  void go_on_without(PartitionId source) { sources_.erase(source); }

  void on_handover(PartitionId source, const Position& last);
  /// Where its stream has come, in the source's own history.
  void on_progress(PartitionId source, const Position& reached);
  /// The stream has begun anew in another history: what the source said of the former one means nothing.
  bool must_ask(PartitionId source, const Position& reached) const;

  bool complete() const;
  bool is_open(PartitionId source) const;

 private:
  struct Source {
    std::optional<Position> last;
    Position reached;
    bool complete() const;
  };
  std::map<PartitionId, Source> sources_;
};

}  // namespace flare
