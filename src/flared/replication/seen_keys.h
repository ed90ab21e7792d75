#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace flare {

/// The keys of a snapshot, by hash, to find what of a store is not in it. 8 bytes for each. Two keys of one hash of 64
/// bits would only keep one too many. Pure.
class SeenKeys {
 public:
  void add(std::string_view key) {
    hashes_.push_back(hash_of(key));
    sorted_ = false;
  }
  bool contains(std::string_view key) {
    if (!sorted_) std::sort(hashes_.begin(), hashes_.end());
    sorted_ = true;
    return std::binary_search(hashes_.begin(), hashes_.end(), hash_of(key));
  }
  void clear() { hashes_ = {}; }

 private:
  static std::uint64_t hash_of(std::string_view key);

  std::vector<std::uint64_t> hashes_;
  bool sorted_ = true;
};

}  // namespace flare
