#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "common/cluster/node_map.h"
#include "common/protocol/position.h"

/// Who follows a master (docs/replication.md 10). Pure: whoever drives it brings questions, answers and time.
namespace flare {

/// What the index knows of a node beyond the map.
struct NodeHealth {
  bool original = false;  // it knows no `position`
  bool silent = false;    // its last probe failed
};
using HealthOf = std::function<NodeHealth(const NodeKey&)>;

struct Candidate {
  NodeKey key;
  NodeHealth health;
};

/// The active slaves in sync with this master's partition, the best first as far as the map tells: who answers probes
/// before the silent, ours before originals, then the largest balance, then key order. Empty if `master` is not a
/// master that is active.
std::vector<Candidate> candidates(const NodeMap& map, const NodeKey& master, const HealthOf& health);

/// A master is gone: the candidates are asked, and the one that has most is chosen. With a single candidate nothing is
/// asked. All of them have every write that a sync master acknowledged, so the choice never waits for one that hangs.
class Election {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds answer_deadline{1000};
  static constexpr std::chrono::milliseconds patience_after_first{300};

  Election(const NodeMap& map, const NodeKey& master, const HealthOf& health, Time now);

  PartitionId partition() const { return partition_; }
  /// With which the choice is to be promoted, or a higher one.
  Epoch epoch() const { return epoch_; }
  /// Whom to ask, all at once.
  std::vector<NodeKey> to_ask() const;

  void answered(const NodeKey& key, LogPosition position, Time now);
  /// It says that it cannot be promoted.
  void refused(const NodeKey& key);
  /// No answer came, or one that means nothing.
  void failed(const NodeKey& key);

  bool is_decided(Time now) const { return now >= decides_at(); }
  /// At the latest; earlier with each answer.
  Time decides_at() const;
  /// nullopt: nobody, the partition waits for its master.
  std::optional<NodeKey> choice() const;

 private:
  enum class Word { asked, not_asked, answered, refused, failed };
  struct Entry {
    Candidate candidate;
    Word word = Word::not_asked;
    LogPosition position{};
  };

  Entry* entry_of(const NodeKey& key);

  PartitionId partition_ = no_partition;
  Epoch epoch_{0};
  std::vector<Entry> entries_;  // the best first
  Time started_;
  std::optional<Time> first_answer_;
};

/// A master is asked to go while it lives (`node state down`, `shutdown`): only a slave that has all it has may follow.
struct Handover {
  static constexpr std::chrono::milliseconds patience{2000};
  static constexpr std::chrono::milliseconds round_interval{50};

  enum class Kind {
    at_once,  // no master with active slaves: cluster.md 4.3 as it is
    elect,    // nobody can be compared: an original's master, or none but originals in sync
    ask,      // `master`, then `slaves`, until one of them has all
    refuse,   // there are active slaves, but none in sync
  };
  Kind kind = Kind::at_once;
  PartitionId partition = no_partition;
  std::vector<NodeKey> slaves;  // of ours, the best first
};

Handover plan_handover(const NodeMap& map, const NodeKey& key, const HealthOf& health);
/// The best of the slaves whose position is not below the master's; both were asked in this order, in one round.
std::optional<NodeKey> has_all(const Handover& handover, LogPosition master,
                               const std::map<NodeKey, LogPosition>& slaves);

}  // namespace flare
