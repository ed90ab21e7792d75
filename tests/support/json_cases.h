#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace flare::test {

/// What a connection does behind an answer.
enum class After {
  open,    ///< answers the next request
  closed,  ///< the server has closed it
  waits,   ///< the server waits for the rest of a request
};

struct Answer {
  std::string bytes{};
  After after = After::open;
};

/// What an answer has to be: bytes, or a regular expression for all of them.
struct Expectation {
  std::string text{};
  bool regex = false;
  After after = After::open;

  [[nodiscard]] bool fits(const std::string& bytes) const;
  [[nodiscard]] bool fits(const Answer& answer) const { return answer.after == after && fits(answer.bytes); }
};

/// A case of tests/golden/protocol.jsonl (docs/spec/protocol.md 10).
struct JsonCase {
  std::string name{};
  std::vector<std::string> pieces{};  ///< one, unless the case is sent in several
  Expectation expected{};
  bool at_index = false;
  bool half_close = false;
  std::chrono::milliseconds wait{0};
  std::vector<std::string> storages{};  ///< empty: all

  [[nodiscard]] std::string sent() const;
  [[nodiscard]] bool is_for(const std::string& storage) const;
};

[[nodiscard]] std::vector<JsonCase> read_json_cases(const std::filesystem::path& file);

/// The answers of ours that differ on purpose, by case: a file of tests/golden_differences, for one run of the replay.
[[nodiscard]] std::map<std::string, Expectation> read_differences(const std::filesystem::path& file,
                                                                  const std::string& run);

/// One line of such a file, without its class, for `tools/golden_differences take`.
[[nodiscard]] std::string difference_line(const std::string& name, const std::string& run, const Answer& answer);

/// The line that says: this case needs no line any more.
[[nodiscard]] std::string equal_line(const std::string& name, const std::string& run);

/// For messages: printable, control and high bytes as \xNN.
[[nodiscard]] std::string escaped(const std::string& bytes);

}  // namespace flare::test
