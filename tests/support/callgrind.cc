#include "support/callgrind.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace flare::test {
namespace {

// glibc takes the variant of memcpy and its like that fits the processor best, and these have different numbers of
// instructions. Without these all take the variants that each x86-64 processor has.
constexpr const char* plain_processor =
    "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-BMI2,-LZCNT,"
    "-SSE4_2,-SSE4_1,-SSSE3,-ERMS,-FSRM,-RTM,-MOVBE";

constexpr std::array allocating{std::string_view{"malloc"},   std::string_view{"calloc"},
                                std::string_view{"realloc"},  std::string_view{"aligned_alloc"},
                                std::string_view{"memalign"}, std::string_view{"posix_memalign"}};

bool allocates(std::string_view function) {
  for (const auto name : allocating) {
    if (function == name) return true;
  }
  return false;
}

bool reads_clock(std::string_view function) { return function.starts_with("clock_gettime"); }

/// The names of functions: `(7) malloc` where one comes first, `(7)` afterwards.
class Names {
 public:
  const std::string& of(std::string_view text) {
    const auto end = text.find(')');
    auto& name = names_[std::string{text.substr(0, end)}];
    if (text.size() > end + 2) name = text.substr(end + 2);
    return name;
  }

 private:
  std::unordered_map<std::string, std::string> names_;
};

// `calls=<n> ...`, then a line with place, instructions, system calls and time of these calls; the last ones only if
// they are not 0.
struct Calls {
  std::int64_t number = 0;
  std::int64_t system_calls = 0;
};

Calls read_calls(std::string_view first, std::istream& rest) {
  Calls calls;
  std::istringstream{std::string{first}} >> calls.number;
  std::string line;
  std::getline(rest, line);
  std::istringstream costs{line};
  std::string place;
  std::int64_t instructions = 0;
  costs >> place >> instructions >> calls.system_calls;
  return calls;
}

}  // namespace

Counts operator-(const Counts& one, const Counts& other) {
  return {one.instructions - other.instructions, one.system_calls - other.system_calls,
          one.clock_reads - other.clock_reads, one.allocations - other.allocations};
}

Counts least_of(const Counts& one, const Counts& other) {
  return {std::min(one.instructions, other.instructions), std::min(one.system_calls, other.system_calls),
          std::min(one.clock_reads, other.clock_reads), std::min(one.allocations, other.allocations)};
}

Counts read_counts(std::istream& part) {
  Counts counts;
  Names names;
  std::string called;
  bool whole = false;
  for (std::string line; std::getline(part, line);) {
    const std::string_view text{line};
    if (text.starts_with("fn=")) {
      std::ignore = names.of(text.substr(3));
    } else if (text.starts_with("cfn=")) {
      called = names.of(text.substr(4));
    } else if (text.starts_with("calls=")) {
      const auto calls = read_calls(text.substr(6), part);
      if (allocates(called)) counts.allocations += calls.number;
      if (reads_clock(called)) counts.clock_reads += calls.number;
      if (reads_clock(called)) counts.system_calls -= calls.system_calls;
    } else if (text.starts_with("totals:")) {
      std::int64_t system_calls = 0;
      whole = static_cast<bool>(std::istringstream{line.substr(7)} >> counts.instructions >> system_calls);
      counts.system_calls += system_calls;
    }
  }
  if (!whole) throw std::runtime_error{"this is no whole file of callgrind with --collect-systime"};
  return counts;
}

CallgrindRun::CallgrindRun(std::filesystem::path folder, std::string closing_function)
    : files_{std::move(folder) / "callgrind"}, closing_function_{std::move(closing_function)} {}

std::vector<std::string> CallgrindRun::launcher() const {
  return {"env",
          plain_processor,
          "LD_PRELOAD=" FLARE_SMALL_MAPS,
          "valgrind",
          "--tool=callgrind",
          "--collect-systime=yes",
          "--dump-before=" + closing_function_,
          "--callgrind-out-file=" + files_.string()};
}

Counts CallgrindRun::next_part() {
  const auto path = files_.string() + "." + std::to_string(++parts_);
  std::ifstream part{path};
  if (!part) {
    throw std::runtime_error{path + " is not there: is valgrind installed (tools/install-deps --tests), and is " +
                             closing_function_ + " still a function that the program calls?"};
  }
  return read_counts(part);
}

}  // namespace flare::test
