#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

namespace flare::test {

/// What a program has done in one part of a run under callgrind, all of its threads together.
struct Counts {
  std::int64_t instructions = 0;
  std::int64_t system_calls = 0;  ///< without those that only read a clock: outside of valgrind these are none
  std::int64_t clock_reads = 0;
  std::int64_t allocations = 0;  ///< calls of malloc and its like
  friend Counts operator-(const Counts& one, const Counts& other);
};

/// The smaller of each: what other work of the program has added to one of them is not in it.
[[nodiscard]] Counts least_of(const Counts& one, const Counts& other);

/// Of a file that `--collect-systime` has written.
[[nodiscard]] Counts read_counts(std::istream& part);

/// A run under callgrind: each call of one function closes a part, and the counting begins at nothing again.
class CallgrindRun {
 public:
  /// `folder` for its files. `closing_function`: as callgrind names it, `*` at the end allowed.
  CallgrindRun(std::filesystem::path folder, std::string closing_function);

  /// What stands before the words of a program that is to run so.
  [[nodiscard]] std::vector<std::string> launcher() const;
  /// The next part, which has been closed. Throws std::runtime_error if it has not.
  [[nodiscard]] Counts next_part();

 private:
  std::filesystem::path files_;
  std::string closing_function_;
  int parts_ = 0;
};

}  // namespace flare::test
