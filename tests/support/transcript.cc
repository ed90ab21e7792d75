#include "support/transcript.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace flare::test {
namespace {

bool is_version(const std::string& line) { return line.starts_with("VERSION "); }

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

std::string cut_spaces(std::string text) {
  const auto first = text.find_first_not_of(" `");
  const auto last = text.find_last_not_of(" `");
  return first == std::string::npos ? std::string{} : text.substr(first, last - first + 1);
}

/// Builds exchanges from lines, one after another.
class TranscriptReader {
 public:
  void take(int number, const std::string& line) {
    if (line.starts_with("# ")) {
      end_exchange();
      comment_ += (comment_.empty() ? "" : "\n") + line.substr(2);
    } else if (line.starts_with("> ")) {
      if (!current_.expected.empty()) end_exchange();
      if (current_.sent.empty()) current_.line = number;
      current_.sent.push_back(line.substr(2));
    } else if (line.starts_with("< ")) {
      current_.expected.push_back(line.substr(2));
    } else if (line.empty()) {
      end_exchange();
      comment_.clear();
    } else {
      throw std::runtime_error("line " + std::to_string(number) + " of a transcript: " + line);
    }
  }

  std::vector<Exchange> finish() {
    end_exchange();
    return std::move(done_);
  }

 private:
  void end_exchange() {
    if (!current_.sent.empty()) {
      current_.comment = comment_;
      done_.push_back(std::move(current_));
    }
    current_ = {};
  }

  std::string comment_;
  Exchange current_;
  std::vector<Exchange> done_;
};

}  // namespace

std::vector<Exchange> read_transcript(const std::filesystem::path& file) {
  std::ifstream in{file};
  if (!in) throw std::runtime_error("cannot read " + file.string());
  TranscriptReader reader;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) reader.take(number, line);
  return reader.finish();
}

std::vector<std::string> listed_differences(const std::filesystem::path& compatibility) {
  std::ifstream in{compatibility};
  if (!in) throw std::runtime_error("cannot read " + compatibility.string());
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| ")) continue;
    auto name = cut_spaces(line.substr(2, line.find(" |", 2) - 2));
    if (name.find(".txt:") != std::string::npos) names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> play(TextClient& client, const Exchange& exchange) {
  std::string bytes;
  for (const auto& line : exchange.sent) bytes += line + "\r\n";
  client.send(bytes + "version\r\n");
  auto versions_before_end = std::count_if(exchange.expected.begin(), exchange.expected.end(), is_version);
  std::vector<std::string> answer;
  while (true) {
    auto line = client.read_line();
    if (is_version(line) && versions_before_end-- == 0) return answer;
    answer.push_back(std::move(line));
  }
}

Replay::Replay(const std::filesystem::path& golden_file, const std::filesystem::path& compatibility)
    : file_name_{golden_file.filename()},
      exchanges_{read_transcript(golden_file)},
      listed_{listed_differences(compatibility)} {}

void Replay::check(const Exchange& exchange, const std::vector<std::string>& answer) {
  const auto name = file_name_ + ":" + std::to_string(exchange.line);
  const bool listed = std::find(listed_.begin(), listed_.end(), name) != listed_.end();
  const bool equal = answer == exchange.expected;
  played_.push_back(name);
  if (listed && equal) {
    ADD_FAILURE() << name << " is a row of docs/compatibility.md, but answers as the original: remove the row";
  }
  if (!listed && !equal) {
    ADD_FAILURE() << name << " (" << exchange.comment << ") differs without a row in docs/compatibility.md\nsent:\n"
                  << joined(exchange.sent) << "expected:\n"
                  << joined(exchange.expected) << "answer:\n"
                  << joined(answer);
  }
}

void Replay::finish() const {
  for (const auto& name : listed_) {
    if (!name.starts_with(file_name_ + ":")) continue;
    EXPECT_TRUE(std::find(played_.begin(), played_.end(), name) != played_.end())
        << name << " is a row of docs/compatibility.md, but no such case was played";
  }
  std::cout << file_name_ << ": " << played_.size() << " cases replayed\n";
}

}  // namespace flare::test
