#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/ids.h"

namespace flare {

/// Remembered deletions (protocol.md 3): version and hold of keys that were removed. A bounded table, the oldest
/// dropped first. Safe from any thread; a key's order is the caller's, who holds the record's lock.
class Deletions {
 public:
  explicit Deletions(std::size_t keys_max) : keys_max_(keys_max) {}

  struct Deletion {
    RecordVersion version{0};
    std::int64_t hold_until_s = 0;
  };

  std::optional<Deletion> find(std::string_view key) const;
  void remember(std::string_view key, const Deletion& deletion);
  /// The key is stored again: its record's version counts from now on.
  void forget(std::string_view key);
  void clear();
  /// Takes the rows of another table in place of the own ones, as far as there is room.
  void replace_by(Deletions& other);

  using Visit = std::function<void(std::string_view key, const Deletion& deletion)>;
  /// Shows up to `rows_max` rows that came after the one numbered `after`, oldest first; the number of the last one
  /// shown, nullopt when there are none. The table is locked meanwhile: keep slices short.
  std::optional<std::uint64_t> visit(std::uint64_t after, std::size_t rows_max, const Visit& visit) const;
  /// Of the newest row so far.
  std::uint64_t last_number() const;
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Row {
    std::string key;
    Deletion deletion;
  };
  using Rows = std::map<std::uint64_t, Row>;  // by a number that rises: oldest first, and a place to go on from
  void drop(Rows::iterator row);

  const std::size_t keys_max_;
  mutable std::mutex mutex_;
  Rows rows_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::string_view, Rows::iterator> by_key_;  // the keys lie in rows_
  std::atomic<std::size_t> size_{0};  // without it each first set of a key would take the mutex for nothing
};

}  // namespace flare
