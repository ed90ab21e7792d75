#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "flared/storage/storage.h"

namespace flare {

/// The keys that a log's surplus has written, each once, up to the bounds of limits.h. Pure.
class SurplusKeys {
 public:
  /// False, here and from then on: there are too many, or all keys are concerned (a flush).
  bool add(std::string_view key);
  bool add(const LogEntry& entry);
  std::vector<std::string> take();

 private:
  std::unordered_set<std::string> keys_;
  std::size_t bytes_ = 0;
  bool good_ = true;
};

/// Those of the own log behind `after`, and those that are not exact yet; nullopt: only a snapshot can help. For the
/// blocking pool.
std::optional<std::vector<std::string>> gather_surplus_keys(const Storage& storage, Sequence after);

}  // namespace flare
