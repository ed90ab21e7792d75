#pragma once

#include <cstdint>

namespace flare {

/// What clients may store; 0: no limit.
struct StoreLimits {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;  // keys and records (28 bytes of header each), without the file's own overhead
  bool operator==(const StoreLimits&) const = default;
};

}  // namespace flare
