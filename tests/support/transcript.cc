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

// Entries of a dump come in the order of the file they are stored in (daemons.md 3.1), which is no promise to anybody:
// they are compared in the order of their bytes, a VALUE line together with its data.
std::vector<std::string> in_order(std::vector<std::string> lines, const Exchange& exchange) {
  if (!exchange.sent.front().starts_with("dump") || lines.empty() || lines.back() != "END") return lines;
  std::vector<std::string> entries;
  for (std::size_t number = 0; number + 1 < lines.size(); ++number) {
    const bool has_data = lines[number].starts_with("VALUE ") && number + 2 < lines.size();
    entries.push_back(lines[number] + (has_data ? "\n" + lines[number + 1] : ""));
    if (has_data) ++number;
  }
  std::sort(entries.begin(), entries.end());
  entries.emplace_back("END");
  return entries;
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

bool only_reads(const Exchange& exchange) {
  const auto reads = [](const std::string& line) {
    const auto word = line.substr(0, line.find(' '));
    return word == "get" || word == "gets" || word == "stats" || word == "dump" || word == "dump_key";
  };
  return std::all_of(exchange.sent.begin(), exchange.sent.end(), reads);
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

std::string Replay::name_of(const Exchange& exchange) const { return file_name_ + ":" + std::to_string(exchange.line); }

bool Replay::is_listed(const Exchange& exchange) const {
  return std::find(listed_.begin(), listed_.end(), name_of(exchange)) != listed_.end();
}

void Replay::play_at(const Address& address, const Exchange& exchange) {
  std::vector<std::string> answer;
  const auto answers_as_recorded = [&] {
    TextClient client{address};
    answer = in_order(play(client, exchange), exchange);
    return answer == in_order(exchange.expected, exchange);
  };
  if (only_reads(exchange) && !is_listed(exchange)) {
    static_cast<void>(eventually(answers_as_recorded));
  } else {
    answers_as_recorded();
  }
  auto recorded = exchange;
  recorded.expected = in_order(exchange.expected, exchange);
  check(recorded, answer);
}

void Replay::check(const Exchange& exchange, const std::vector<std::string>& answer) {
  const auto name = name_of(exchange);
  const bool listed = is_listed(exchange);
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
