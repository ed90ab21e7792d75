#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"

/// What one entry of the update log says (docs/design.md 3.1, docs/replication.md 1). Pure.
namespace flare {

/// A removal of version 0 that holds until 0 is a drop: the key is another partition's now (docs/replication.md 7). It
/// concerns this partition's nodes only, and no other partition or cluster may take it for a deletion.
enum class EntryKind : std::uint8_t { set = 1, touch = 2, remove = 3, flush = 4 };

/// Each set and touch carries the whole new record. The views live as long as the bytes they were read from.
struct LogEntry {
  EntryKind kind = EntryKind::set;
  Epoch epoch{0};
  Sequence sequence{0};
  std::string_view key = {};
  RecordVersion version{0};
  std::uint32_t flags = 0;
  std::int64_t expire_s = 0;  // remove: hold until
  std::string_view data = {};
};

constexpr bool is_drop(const LogEntry& entry) {
  return entry.kind == EntryKind::remove && entry.version == RecordVersion{0} && entry.expire_s == 0;
}

/// Where a store stands in a history. Equal positions have equal stores.
struct Position {
  LogId log_id{0};
  Epoch epoch{0};
  Sequence sequence{0};
  bool operator==(const Position&) const = default;
};

/// Last sequence of each epoch, oldest first (replication.md 2).
struct EpochEnd {
  Epoch epoch{0};
  Sequence last{0};
  bool operator==(const EpochEnd&) const = default;
};
using EpochTable = std::vector<EpochEnd>;

}  // namespace flare
