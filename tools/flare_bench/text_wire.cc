#include "flare_bench/text_wire.h"

#include "flare_bench/answer_input.h"

namespace flare::bench {

void TextWire::write_get(std::span<const KeyNumber> keys, std::string& out) const {
  out += "get";
  for (const auto key : keys) {
    out += ' ';
    names_.append(key, out);
  }
  out += "\r\n";
}

void TextWire::write_set_head(KeyNumber key, std::size_t value_bytes, std::string& out) const {
  out += "set ";
  names_.append(key, out);
  out += " 0 0 ";
  out += std::to_string(value_bytes);
  out += "\r\n";
}

// VALUE <name> 0 <bytes>, for each key that is there, then END; or an error in the place of END.
AnswerState TextWire::read_get(std::string_view input, std::size_t /*keys*/, Answer& answer) const {
  AnswerInput in{input};
  while (auto line = in.line()) {
    const bool failed = is_error_line(*line);
    if (failed) answer.error = *line;
    if (failed || *line == "END") {
      answer.bytes = in.taken();
      return AnswerState::complete;
    }
    if (take_word(*line) != "VALUE") return AnswerState::broken;
    const auto name = take_word(*line);
    if (take_word(*line) != "0") return AnswerState::broken;  // flags, as they were set
    const auto bytes = number_of(*line);
    if (!bytes) return AnswerState::broken;
    const auto value = in.data(*bytes);
    if (!value) return in.why_none();
    answer.values.push_back({.name = name, .place = {}, .value = *value});
  }
  return in.why_none();
}

AnswerState TextWire::read_set(std::string_view input, Answer& answer) const {
  AnswerInput in{input};
  const auto line = in.line();
  if (!line) return in.why_none();
  answer.stored = *line == "STORED";
  if (!answer.stored && !is_error_line(*line) && *line != "NOT_STORED") return AnswerState::broken;
  if (!answer.stored) answer.error = *line;
  answer.bytes = in.taken();
  return AnswerState::complete;
}

}  // namespace flare::bench
