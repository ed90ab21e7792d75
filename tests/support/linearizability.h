#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "support/history.h"

namespace flare::test {

/// Whether the operations of one key, absent at first, can be put into one order that explains every answer: each takes
/// effect at once, at one moment between its start and its end. Values of `set`, `add` and `cas` must differ among each
/// other where a `cas` is used, since a value stands for its version.
struct Verdict {
  enum class Kind { linearizable, broken, undecided };
  Kind kind = Kind::linearizable;
  /// Of a broken one: after how many operations the longest order stops, what the key then holds, and which answers
  /// nothing explains.
  std::string reason{};
};

inline constexpr std::size_t configurations_max = 2'000'000;

/// The search of Wing and Gong, with Lowe's memory of what was already tried. `undecided`: more than `limit` states.
[[nodiscard]] Verdict check_linearizable(std::vector<Operation> operations, std::size_t limit = configurations_max);

/// Reads of one key at one node, of values that only ever grow (`number_of` the value): the first pair of which the
/// later one began after the earlier one had ended and shows less. Empty if there is none.
[[nodiscard]] std::string find_step_back(const std::vector<Operation>& reads,
                                         std::uint64_t (*number_of)(const std::string& value));

}  // namespace flare::test
