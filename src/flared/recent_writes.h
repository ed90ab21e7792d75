#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace flare {

/// The keys that one connection has lately written at another node, by hash. Its reads of these go to the master for a
/// while: a slave may not have them yet, and what a connection has written it must see. Bounded: with more keys than
/// it can hold, all reads of the connection count as recent until the oldest forgotten one would have ended. Pure.
class RecentWrites {
 public:
  static constexpr std::int64_t kept_s = 2;  // above the usual lag of a slave; coarse seconds

  void add(std::uint32_t key_hash, std::int64_t now_s) {
    auto& entry = entries_[next_];
    if (entry.until_s > now_s) all_until_s_ = entry.until_s;
    entry = {key_hash, now_s + kept_s};
    next_ = (next_ + 1) % entries_.size();
    last_until_s_ = now_s + kept_s;
  }

  /// Whether any write is recent: without one nothing needs to be hashed.
  bool any(std::int64_t now_s) const { return last_until_s_ > now_s; }

  bool contains(std::uint32_t key_hash, std::int64_t now_s) const {
    if (all_until_s_ > now_s) return true;
    for (const auto& entry : entries_) {
      if (entry.key_hash == key_hash && entry.until_s > now_s) return true;
    }
    return false;
  }

 private:
  struct Entry {
    std::uint32_t key_hash = 0;
    std::int64_t until_s = 0;
  };
  std::array<Entry, 32> entries_{};
  std::size_t next_ = 0;
  std::int64_t last_until_s_ = 0;
  std::int64_t all_until_s_ = 0;
};

}  // namespace flare
