#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "common/base/ids.h"
#include "common/cluster/node.h"

namespace flare {

struct InSyncOptions {
  using Duration = std::chrono::steady_clock::duration;
  bool sync = false;                                      // replication-type sync
  int replicas_min = 1;                                   // min-sync-replicas: the master counts
  Duration sync_silent_max = std::chrono::seconds{1};     // sync-timeout: of a slave that somebody waits for
  Duration async_silent_max = std::chrono::seconds{10};   // while nobody waits
  std::uint64_t lag_max = 0;                              // max-lag, in entries, while nobody waits; 0: none
  Duration dismiss_silent_max = Duration::zero();         // dismiss-silent-slaves: at an original index; 0: never
  Duration report_again_after = std::chrono::seconds{1};  // the index did not do what was asked
};

/// Whom a master waits for, so that what it acknowledged survives it (docs/replication.md 8, 9). Keeps the one
/// invariant: a joiner is waited for before the index is told; a leaver until the index has stored its removal. Pure:
/// no socket, no clock; on one thread.
class InSyncSet {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = InSyncOptions::Duration;

  /// What a map says of this node's partition.
  struct Members {
    Epoch epoch{0};
    std::set<NodeKey> in_sync;    // only they may be promoted; this node may be among them
    std::set<NodeKey> slaves;     // of the partition, not down
    std::set<NodeKey> preparing;  // of `slaves`: the index has still to hear that they have caught up
    /// The map tells epoch and set. False: it is of an original index, which may promote any active slave, and a
    /// preparing one by that one's own word.
    bool stored = true;
  };
  struct Report {
    NodeKey slave;
    Epoch epoch{0};  // of the partition, as the last map said
    bool joins = false;

    bool operator==(const Report&) const = default;
  };
  enum class Outcome : std::uint8_t {
    stored,
    refused,      // the partition's epoch has moved on: a map that says more is on its way
    unknown,      // no answer: it may be stored, or be stored still
    not_a_thing,  // an original index: it knows no such request
  };

  InSyncSet(NodeKey own, InSyncOptions options);

  void set_options(const InSyncOptions& options) { options_ = options; }
  /// A reign of this node begins: nobody has been heard of.
  void lead(const Members& members, TimePoint now);
  void on_map(const Members& members, TimePoint now);
  /// The slave has everything up to `acknowledged` in its log. Once for each ACK; `written` is our own position.
  void on_ack(const NodeKey& slave, Sequence acknowledged, Sequence written, TimePoint now);
  /// It has caught up by its stream, so it is waited for from now on, and joins as soon as it has all that is
  /// committed.
  void on_caught_up(const NodeKey& slave, Sequence written, TimePoint now);
  /// Its store is about to be replaced by a snapshot: what it acknowledged before is no proof any more.
  void on_rebuild(const NodeKey& slave);
  /// Its connection has ended: it does not join before it has caught up by another.
  void on_gone(const NodeKey& slave);

  /// What to tell the index now; one at a time, `on_reported` comes before the next. `waited_for`: a client waits for a
  /// slave. To be asked at least each second: a longer pause is this process's own, not the slaves' silence.
  std::optional<Report> next_report(Sequence written, bool waited_for, TimePoint now);
  void on_reported(const Report& report, Outcome outcome, TimePoint now);

  /// Everything up to here is in the logs of all who may be promoted; it never goes back in a reign.
  Sequence committed(Sequence written);
  /// Whether a sync write may begin: enough nodes are in sync, this one counted.
  bool may_begin() const;
  /// Told to the index, and not on the way out.
  bool is_in_sync(const NodeKey& slave) const;
  bool waits_for(const NodeKey& slave) const;
  bool waits_for_nobody() const;
  std::size_t in_sync_nodes() const;  // this one counted
  Epoch epoch() const { return epoch_; }

 private:
  enum class Standing : std::uint8_t { out, joining, in, leaving };
  struct Slave {
    Standing standing = Standing::out;
    Sequence acknowledged{0};
    TimePoint heard;
    bool follows = false;          // has caught up on the present connection
    bool rebuilds = false;         // its store is being replaced: nothing there that could be promoted
    bool to_be_told = false;       // joined, but the index has not heard of it (or has forgotten)
    Epoch since{0};                // a map of a higher epoch without it means that it has left
    std::optional<Epoch> asked{};  // joining: with this epoch, outcome unknown
    Sequence must_reach{0};        // joining: what was committed without it
  };

  Slave& slave(const NodeKey& key, TimePoint now);
  void begin_to_join(Slave& slave, TimePoint now);
  void take_out(Slave& slave) const;
  void take_member(Slave& slave) const;
  void take_absent(const NodeKey& key, Slave& slave, const Members& members) const;
  bool silent(const Slave& slave, bool waited_for, TimePoint now) const;
  bool is_dismissed(const Slave& slave, TimePoint now) const;
  bool must_leave(const Slave& slave, Sequence written, bool waited_for, TimePoint now) const;
  void forgive_own_pause(TimePoint now);
  std::optional<Report> report_of(const NodeKey& key, Slave& slave, Sequence written, bool waited_for, TimePoint now);

  NodeKey own_;
  InSyncOptions options_;
  Epoch epoch_{0};
  bool stored_ = false;
  std::map<NodeKey, Slave> slaves_;
  Sequence committed_{0};
  std::optional<Report> asked_;
  std::optional<Epoch> reported_;  // the last report that was not the last word was of this epoch
  TimePoint report_not_before_;
  TimePoint looked_at_;
};

}  // namespace flare
