#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/text_client.h"

namespace flare::test {

/// Lines sent together and the lines that came back.
struct Exchange {
  int line = 0;           ///< of the first `> ` line in the file; with the file's name it is the case's name
  std::string comment{};  ///< all comment lines of its case so far, joined by newlines
  std::vector<std::string> sent{};
  std::vector<std::string> expected{};
};

/// A file of tests/golden: `> ` sent, `< ` expected, `# ` comments; an empty line ends a case.
[[nodiscard]] std::vector<Exchange> read_transcript(const std::filesystem::path& file);

/// What differs from the original on purpose: the first cells, `file:line`, of the rows of docs/compatibility.md.
[[nodiscard]] std::vector<std::string> listed_differences(const std::filesystem::path& compatibility);

/// Sends the lines and reads the answer up to that of a `version` sent behind them, which always comes last.
[[nodiscard]] std::vector<std::string> play(TextClient& client, const Exchange& exchange);

/// True for requests that change nothing: they may be asked again until what they show has come about.
[[nodiscard]] bool only_reads(const Exchange& exchange);

/// Compares case by case and keeps account: a case may differ only with a row in docs/compatibility.md, and a row
/// whose case is equal is wrong too.
class Replay {
 public:
  Replay(const std::filesystem::path& golden_file, const std::filesystem::path& compatibility);

  [[nodiscard]] const std::vector<Exchange>& exchanges() const { return exchanges_; }
  /// Adds a test failure unless the answer is as recorded, or listed as different and really different.
  void check(const Exchange& exchange, const std::vector<std::string>& answer);
  /// Plays on a new connection; one that only reads is repeated until it answers as recorded, unless it is listed.
  void play_at(const Address& address, const Exchange& exchange);
  /// Adds a failure for each listed case of this file that was never played. Prints the number of cases.
  void finish() const;

 private:
  [[nodiscard]] std::string name_of(const Exchange& exchange) const;
  [[nodiscard]] bool is_listed(const Exchange& exchange) const;

  std::string file_name_;
  std::vector<Exchange> exchanges_;
  std::vector<std::string> listed_;
  std::vector<std::string> played_;
};

}  // namespace flare::test
