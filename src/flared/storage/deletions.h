#pragma once

#include <atomic>
#include <cstdint>
#include <list>
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
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Row {
    std::string key;
    Deletion deletion;
  };
  void drop(std::list<Row>::iterator row);

  const std::size_t keys_max_;
  mutable std::mutex mutex_;
  std::list<Row> rows_;                                                    // oldest first
  std::unordered_map<std::string_view, std::list<Row>::iterator> by_key_;  // the keys lie in rows_
  std::atomic<std::size_t> size_{0};  // without it each first set of a key would take the mutex for nothing
};

}  // namespace flare
