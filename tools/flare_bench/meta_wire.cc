#include "flare_bench/meta_wire.h"

#include "flare_bench/answer_input.h"

namespace flare::bench {
namespace {

// The name among the return flags of a VA line, `k<name>`.
std::string_view name_among(std::string_view flags) {
  while (!flags.empty()) {
    const auto flag = take_word(flags);
    if (flag.starts_with('k')) return flag.substr(1);
  }
  return {};
}

}  // namespace

void MetaWire::write_get(std::span<const KeyNumber> keys, std::string& out) const {
  const bool many = keys.size() > 1;
  for (const auto key : keys) {
    out += "mg ";
    names_.append(key, out);
    out += many ? " v k q\r\n" : " v\r\n";
  }
  if (many) out += "mn\r\n";
}

void MetaWire::write_set_head(KeyNumber key, std::size_t value_bytes, std::string& out) const {
  out += "ms ";
  names_.append(key, out);
  out += ' ';
  out += std::to_string(value_bytes);
  out += "\r\n";
}

// Alone: VA, EN or an error. Many: VA for each that is there, errors among them, and MN at the end.
AnswerState MetaWire::read_get(std::string_view input, std::size_t keys, Answer& answer) const {
  const bool many = keys > 1;
  AnswerInput in{input};
  while (auto line = in.line()) {
    const bool failed = is_error_line(*line);
    if (failed) answer.error = *line;
    bool end = many ? *line == "MN" : (failed || *line == "EN");
    if (!end && !failed) {
      if (take_word(*line) != "VA") return AnswerState::broken;
      const auto bytes = number_of(take_word(*line));
      if (!bytes) return AnswerState::broken;
      const auto value = in.data(*bytes);
      if (!value) return in.why_none();
      answer.values.push_back({.name = name_among(*line), .place = {}, .value = *value});
      if (!many) answer.values.back().place = 0;
      end = !many;
    }
    if (end) {
      answer.bytes = in.taken();
      return AnswerState::complete;
    }
  }
  return in.why_none();
}

AnswerState MetaWire::read_set(std::string_view input, Answer& answer) const {
  AnswerInput in{input};
  const auto line = in.line();
  if (!line) return in.why_none();
  answer.stored = *line == "HD";
  if (!answer.stored && !is_error_line(*line) && *line != "NS") return AnswerState::broken;
  if (!answer.stored) answer.error = *line;
  answer.bytes = in.taken();
  return AnswerState::complete;
}

}  // namespace flare::bench
