#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "flared/replication/stream_codec.h"
#include "flared/storage/log_entry.h"

namespace flare {

/// Times of the stream, the same at both ends (docs/replication.md 3).
struct StreamTimes {
  using Duration = std::chrono::steady_clock::duration;
  Duration ping_each = std::chrono::milliseconds{200};
  Duration source_silent_max = std::chrono::seconds{2};     // at a slave, while streaming
  Duration snapshot_silent_max = std::chrono::seconds{10};  // at a slave, while it loads
  Duration slave_silent_max = std::chrono::seconds{10};     // at a source: no ACK, or no byte taken
  Duration build_silent_max = std::chrono::seconds{60};     // at a source: until the first ACK after a snapshot
  Duration confirm_again_after = std::chrono::seconds{1};   // the index could not be told
};

/// What a source knows of one slave, and what it does next. Pure: no socket, no clock.
class Primary {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Actions {
    bool ping = false;
    bool confirm = false;  // tell the index that the slave is in sync; the answer comes through on_confirmed
    bool insync = false;   // send INSYNC
    std::optional<std::string> close;  // why the connection ends
  };

  /// The stream begins after `start`; `after_snapshot`: the slave loads a snapshot first.
  Primary(Sequence start, bool after_snapshot, TimePoint now, StreamTimes times = {});

  /// Entries up to `last` have been given to the socket.
  void on_sent(Sequence last);
  /// What the slave has got besides is exact only when it has come up to here: before, it is not in sync.
  void must_reach(Sequence sequence) { must_reach_ = std::max(must_reach_, sequence); }
  /// The whole snapshot has been given to the socket: from now on the slave owes an ACK.
  void on_snapshot_sent(TimePoint now) { last_heard_ = now; }
  /// `written`: the last sequence that the source's kernel has.
  Actions on_message(const stream::Ack& ack, Sequence written, TimePoint now);
  Actions on_timer(Sequence written, TimePoint now);
  Actions on_confirmed(bool told, TimePoint now);

  Sequence sent() const { return sent_; }
  Sequence acknowledged() const { return acknowledged_; }
  Sequence durable() const { return durable_; }
  bool in_sync() const { return confirm_ == Confirm::done; }
  bool heard() const { return heard_; }
  /// How long the slave may take nothing from the socket.
  StreamTimes::Duration silent_max() const { return heard_ ? times_.slave_silent_max : times_.build_silent_max; }
  std::uint64_t lag(Sequence written) const;

 private:
  enum class Confirm { due, asked, done };
  bool wants_confirm(Sequence written, TimePoint now) const;

  StreamTimes times_;
  Sequence sent_;
  Sequence acknowledged_;
  Sequence durable_;
  Sequence must_reach_;  // where the stream began: a slave that loads is not there before its commit
  bool heard_;           // false: it may be committing a snapshot, and that takes its time
  Confirm confirm_ = Confirm::due;
  bool acked_once_ = false;
  TimePoint last_heard_;
  TimePoint last_ping_;
  TimePoint confirm_not_before_;
};

}  // namespace flare
