#include "support/json_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>

namespace flare::test {
namespace {

using Json = nlohmann::json;

// protocol.md 10: strings carry bytes, each character one of 0-255. The library gives them as UTF-8.
std::string bytes_of(const std::string& text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) {
      bytes.push_back(text[at]);
    } else if (lead <= 0xc3 && at + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[++at]);
      bytes.push_back(static_cast<char>((lead & 0x03U) << 6U | (next & 0x3fU)));
    } else {
      throw std::runtime_error("a character above 255 in a golden file: " + text);
    }
  }
  return bytes;
}

std::string text_of(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x80) {
      text.push_back(byte);
    } else {
      text.push_back(static_cast<char>(0xc0U | code >> 6U));
      text.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
    }
  }
  return text;
}

std::string bytes_at(const Json& json, const char* field) { return bytes_of(json.at(field).get<std::string>()); }

JsonCase case_of(const Json& json) {
  if (!json.value("fresh", false)) throw std::runtime_error("a golden case on an old connection: " + json.dump());
  JsonCase golden{.name = json.at("case"), .pieces = {bytes_at(json, "send")}};
  if (json.contains("pieces")) {
    golden.pieces.clear();
    for (const auto& piece : json.at("pieces")) golden.pieces.push_back(bytes_of(piece.get<std::string>()));
  }
  golden.expected = {.text = bytes_at(json, "expect"), .regex = json.value("regex", false)};
  if (json.value("closes", false)) {
    golden.expected.after = After::closed;
  } else if (golden.expected.text.empty()) {
    golden.expected.after = After::waits;
  }
  golden.at_index = json.value("port", "") == "index";
  golden.half_close = json.value("half_close", false);
  golden.wait = std::chrono::milliseconds{static_cast<std::int64_t>(json.value("wait", 0.0) * 1000)};
  golden.storages = json.value("storage", std::vector<std::string>{});
  return golden;
}

After after_of(const std::string& word) {
  if (word == "open") return After::open;
  if (word == "closed") return After::closed;
  if (word == "waits") return After::waits;
  throw std::runtime_error("after: open, closed or waits, not " + word);
}

std::string word_of(After after) {
  switch (after) {
    case After::open:
      return "open";
    case After::closed:
      return "closed";
    case After::waits:
      return "waits";
  }
  return {};
}

template <class Take>
void for_each_line(const std::filesystem::path& file, const Take& take) {
  std::ifstream in{file};
  if (!in) throw std::runtime_error("cannot read " + file.string());
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    try {
      take(Json::parse(line));
    } catch (const std::exception& error) {
      throw std::runtime_error(fmt::format("{}:{}: {}", file.string(), number, error.what()));
    }
  }
}

}  // namespace

bool Expectation::fits(const std::string& bytes) const {
  return regex ? std::regex_match(bytes, std::regex{text}) : bytes == text;
}

std::string JsonCase::sent() const {
  std::string all;
  for (const auto& piece : pieces) all += piece;
  return all;
}

bool JsonCase::is_for(const std::string& storage) const {
  return storages.empty() || std::find(storages.begin(), storages.end(), storage) != storages.end();
}

std::vector<JsonCase> read_json_cases(const std::filesystem::path& file) {
  std::vector<JsonCase> cases;
  for_each_line(file, [&](const Json& json) { cases.push_back(case_of(json)); });
  return cases;
}

std::map<std::string, Expectation> read_differences(const std::filesystem::path& file, const std::string& run) {
  std::map<std::string, Expectation> listed;
  for_each_line(file, [&](const Json& json) {
    const auto runs = json.value("at", std::vector<std::string>{run});
    if (std::find(runs.begin(), runs.end(), run) == runs.end()) return;
    const Expectation ours{.text = bytes_at(json, "expect"),
                           .regex = json.value("regex", false),
                           .after = after_of(json.value("after", "open"))};
    if (!listed.emplace(json.at("case").get<std::string>(), ours).second) {
      throw std::runtime_error("a second answer for the same case and run");
    }
  });
  return listed;
}

std::string difference_line(const std::string& name, const std::string& run, const Answer& answer) {
  const Json json{{"case", name}, {"at", {run}}, {"expect", text_of(answer.bytes)}, {"after", word_of(answer.after)}};
  return json.dump(-1, ' ', true);
}

std::string equal_line(const std::string& name, const std::string& run) {
  return Json{{"case", name}, {"at", {run}}, {"equal", true}}.dump();
}

std::string escaped(const std::string& bytes) {
  std::string shown;
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    if (byte == '\r') {
      shown += "\\r";
    } else if (byte == '\n') {
      shown += "\\n";
    } else if (code < 0x20 || code >= 0x7f || byte == '\\') {
      shown += fmt::format("\\x{:02x}", code);
    } else {
      shown.push_back(byte);
    }
  }
  return shown;
}

}  // namespace flare::test
