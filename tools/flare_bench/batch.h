#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "flare_bench/key_ledger.h"

namespace flare::bench {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

struct AskedKey {
  KeyIndex key{};
  Generation generation{};  ///< of a get: what it must at least see; of a set: what it writes
};

struct Asked {
  bool sets = false;
  std::size_t first_key = 0;
  std::size_t key_count = 0;
  TimePoint from{};  ///< where its latency begins: when it was sent, or due
};

/// Requests that a connection sends together, and what is needed to judge their answers.
struct Batch {
  std::string bytes{};
  std::vector<Asked> requests{};
  std::vector<AskedKey> keys{};

  void clear() {
    bytes.clear();
    requests.clear();
    keys.clear();
  }
  [[nodiscard]] std::span<const AskedKey> keys_of(const Asked& asked) const {
    return std::span{keys}.subspan(asked.first_key, asked.key_count);
  }
};

}  // namespace flare::bench
