#pragma once

#include <cstdint>
#include <vector>

#include "flare_bench/value_book.h"

namespace flare::bench {

enum class KeyIndex : std::uint32_t {};  ///< within the keys of one thread

/// The keys that one thread reads and writes: every `stride`-th, so that threads share none and need no lock.
struct KeyShare {
  std::uint32_t first = 0;
  std::uint32_t stride = 1;
  std::uint32_t count = 0;

  [[nodiscard]] KeyNumber number_of(KeyIndex index) const {
    return KeyNumber{first + static_cast<std::uint32_t>(index) * stride};
  }
};

/// The share of thread `number` of `threads`.
[[nodiscard]] KeyShare share_of(std::uint32_t keys, std::uint32_t number, std::uint32_t threads);

enum class Verdict : std::uint8_t { right, stale, wrong };

/// What has been written to each key and what of it was acknowledged, so that a value which is older than the answer
/// to an earlier set is found. A key has at most one set on the way: two would have no known order.
class KeyLedger {
 public:
  KeyLedger(std::uint32_t keys, Generation before_first);

  [[nodiscard]] bool being_set(KeyIndex key) const { return being_set_[at(key)]; }
  /// The generation to write. Only for a key that is not being set.
  Generation begin_set(KeyIndex key);
  /// Without `stored` it is not known whether the value is there: both may be read then.
  void end_set(KeyIndex key, bool stored);

  /// What a get that is sent now must at least see.
  [[nodiscard]] Generation floor(KeyIndex key) const { return entries_[at(key)].acknowledged; }
  /// Judges what a get has seen. The first value of a key that this run has not written is taken as it is.
  Verdict judge(KeyIndex key, Generation floor, Generation seen);

 private:
  struct Entry {
    Generation acknowledged{0};
    Generation issued{0};
  };
  static std::size_t at(KeyIndex key) { return static_cast<std::size_t>(key); }

  std::vector<Entry> entries_;
  std::vector<bool> being_set_;
  Generation before_first_;
};

}  // namespace flare::bench
