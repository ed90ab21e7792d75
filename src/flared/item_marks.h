#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/ids.h"
#include "common/base/limits.h"

namespace flare {

/// What a meta get tells of an entry besides its record.
struct Marks {
  bool stale = false;       // X
  bool token_sent = false;  // Z: another client was told to fetch the value anew
  bool won = false;         // W: this client is to do it
  bool operator==(const Marks&) const = default;
};

/// Stale and won marks of meta commands (mg, md I, ms I), as memcached 1.6 has them, at the master of a key. They are
/// in memory only, never in the record: lost at a restart or failover, and the oldest first when there are too many. A
/// mark holds for one version of its key, so whatever stores the key anew clears it. Safe from any thread.
///
/// A key's calls come in the order of its versions: from RecordSink, under the record's lock, which is why a mark of
/// any other version than the one shown is of the past and is dropped.
class ItemMarks {
 public:
  struct Limits {
    std::size_t entries_max = limits::item_marks_max;
    std::size_t key_bytes_max = limits::item_mark_key_bytes_max;
  };
  ItemMarks() : ItemMarks(Limits{}) {}
  explicit ItemMarks(const Limits& limits) : limits_(limits) {}

  /// Why a get may win though the entry is not stale.
  enum class Chance : std::uint8_t {
    none,
    recache,  // mg R, and less than that is left
    created,  // mg N has made the entry: nobody saw it before
  };

  /// md I: `version` is the new one. Takes the token back: the next get wins.
  void mark_stale(std::string_view key, RecordVersion version);
  /// ms I with an older compare, which has made `version` of the one before: a token that was sent stays sent.
  void mark_stored_stale(std::string_view key, RecordVersion version);
  /// A meta get's look at the record that it shows. Decides and hands the token out in one step: of many gets one wins.
  Marks look(std::string_view key, RecordVersion version, Chance chance);
  /// The store was emptied, or this node is not the master any more.
  void clear();

  bool empty() const { return size() == 0; }
  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  std::size_t key_bytes() const;

 private:
  struct Row {
    std::string key;
    RecordVersion version{0};
    bool stale = false;
    bool token_sent = false;
  };
  using Rows = std::list<Row>;

  // With mutex_ held.
  Rows::iterator find(std::string_view key);
  void drop(Rows::iterator row);
  void put(Row row);

  const Limits limits_;
  mutable std::mutex mutex_;
  Rows rows_;                                                    // oldest first
  std::unordered_map<std::string_view, Rows::iterator> by_key_;  // the keys lie in rows_
  std::size_t key_bytes_ = 0;
  std::atomic<std::size_t> size_{0};  // nothing is locked while there are no marks
};

}  // namespace flare
