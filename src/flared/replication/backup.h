#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "flared/replication/stream_checksum.h"
#include "flared/replication/stream_codec.h"
#include "flared/storage/log_entry.h"

namespace flare {

/// A slave's side of one connection: what each message of its source means. Pure: no socket, no clock, no storage.
/// The caller does what an action says before it gives the next message.
class Backup {
 public:
  struct Nothing {};
  struct BeginSnapshot {
    stream::SnapshotBegin header;
  };
  struct Put {
    stream::Record record;
  };
  struct PutDeletion {
    stream::Deleted deleted;
  };
  struct FetchKeys {
    Position common;  // ask for all keys that the own log has behind it (`asks_for`), or for a snapshot (`asks_whole`)
  };
  struct Correct {
    Position common;
    Sequence exact_at{0};
  };
  struct Commit {
    Position position;
    EpochTable epochs;
  };
  struct Apply {
    LogEntry entry;
  };
  struct Confirmed {};
  struct Refuse {
    std::string reason;  // close; a new connection may do better
  };
  using Action =
      std::variant<Nothing, BeginSnapshot, Put, PutDeletion, Commit, Apply, Confirmed, Refuse, FetchKeys, Correct>;

  enum class State : std::uint8_t { asked, fetching, loading, streaming };

  /// `own`: where the store stands, as the hello said. `epoch_known`: the highest epoch of the partition that this node
  /// has been told by a map or a promise. Epochs of another history (log-id) are of another partition, perhaps, and are
  /// compared with `epoch_known` only; those of the same history with both.
  Backup(const Position& own, Epoch epoch_known, EpochTable own_epochs = {});
  /// Of an import (cluster.md 6.2): entries of other keys are left out, so sequences have gaps, and a PING tells up to
  /// where the stream has come.
  static Backup of_import(const Position& own = {});

  Action on_message(const stream::Decoded& decoded);

  /// The answer to FetchKeys: these were asked for, in this order.
  void asks_for(std::vector<std::string> keys) { asked_keys_ = std::move(keys); }
  /// The other answer to it: there are too many.
  void asks_whole() { state_ = State::asked; }

  /// What to acknowledge now; `durable` is the last sequence that survives what `durability` is to survive.
  stream::Ack ack(Sequence durable) const;

  State state() const { return state_; }
  const Position& position() const { return position_; }
  /// Up to here the source's word says that no promotion undoes it.
  Sequence committed() const { return committed_; }
  /// What this store has behind the last entry that its source has too: writes that are lost with the snapshot or by
  /// the correction.
  std::uint64_t surplus() const { return surplus_; }
  std::uint64_t loaded() const { return loaded_; }
  std::uint64_t expected() const { return expected_; }
  /// Entries that the source had written, by its last word, and that are not here yet.
  std::uint64_t lag() const;

 private:
  Action on(const stream::Ok& ok);
  Action on(const stream::SnapshotBegin& begin);
  Action on(const stream::Record& record, std::string_view raw);
  Action on(const stream::Deleted& deleted, std::string_view raw);
  Action on(const stream::SnapshotEnd& end);
  Action on(const stream::Entry& entry);
  Action on(const stream::Ping& ping);
  Action on(const stream::InSync& in_sync);
  Action on(const stream::Refusal& refusal);
  Action on(const stream::Common& common);
  Action on(const stream::KeysEnd& end);
  std::optional<Refuse> refuse_key(std::string_view key);
  std::optional<Refuse> refuse_end(std::uint64_t count, std::uint64_t checksum) const;
  bool takes_records() const { return greeted_ && (state_ == State::loading || state_ == State::fetching); }
  std::optional<Refuse> refuse_epoch(Epoch epoch);
  bool streams() const { return state_ == State::streaming && greeted_; }

  State state_ = State::asked;
  bool filtered_ = false;
  bool greeted_ = false;  // the first PING, which tells the source's epoch, comes before any record or entry
  Position position_;
  Epoch epoch_known_;
  Epoch stream_epoch_;
  Sequence source_sequence_{0};
  std::uint64_t stamp_ = 0;
  Sequence committed_{0};
  EpochTable own_epochs_;  // of the store that a snapshot would replace
  std::uint64_t surplus_ = 0;
  Position common_;
  std::vector<std::string> asked_keys_;
  stream::SnapshotBegin snapshot_;
  std::uint64_t loaded_ = 0;    // records
  std::uint64_t received_ = 0;  // records and deletions
  std::uint64_t expected_ = 0;
  stream::Checksum checksum_;
};

}  // namespace flare
