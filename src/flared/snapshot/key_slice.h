#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string_view>

namespace flare::snapshot {

/// 128 bits of a hash that stand for a key: no two keys of a store share them.
struct KeyHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const KeyHash&) const = default;
};
KeyHash hash_of(std::string_view key);

/// Goes over the keys of a store in as many passes as a bounded memory needs. Each pass is for the keys of one range of
/// hashes; a range that turns out to hold too many is halved on the way, and what lies in its upper half waits for a
/// later pass. So a key's whole history is seen in exactly one pass, the last that it is admitted to.
template <class State>
class KeySlice {
 public:
  explicit KeySlice(std::size_t keys_max) : keys_max_(keys_max) {}

  /// The state of a key of this pass; null: it belongs to another one.
  State* admit(std::string_view key) {
    const auto hash = hash_of(key);
    if (hash.high < first_ || hash.high > last_) return nullptr;
    if (const auto found = states_.find(hash); found != states_.end()) return &found->second;
    while (states_.size() >= keys_max_ && last_ > first_) halve();
    if (hash.high > last_) return nullptr;
    return &states_[hash];
  }
  const std::map<KeyHash, State>& states() const { return states_; }

  /// On to the keys after this pass; false: all have been seen.
  bool next_pass() {
    states_.clear();
    if (last_ == UINT64_MAX) return false;
    first_ = last_ + 1;
    last_ = UINT64_MAX;
    return true;
  }

 private:
  void halve() {
    last_ = first_ + (last_ - first_) / 2;
    states_.erase(states_.upper_bound(KeyHash{last_, UINT64_MAX}), states_.end());
  }

  const std::size_t keys_max_;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = UINT64_MAX;
  std::map<KeyHash, State> states_;
};

}  // namespace flare::snapshot
