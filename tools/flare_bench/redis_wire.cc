#include "flare_bench/redis_wire.h"

#include "flare_bench/answer_input.h"

namespace flare::bench {
namespace {

void append_head(std::size_t words, std::string_view command, std::string& out) {
  out += '*';
  out += std::to_string(words);
  out += "\r\n$";
  out += std::to_string(command.size());
  out += "\r\n";
  out += command;
  out += "\r\n";
}

}  // namespace

void RedisWire::write_get(std::span<const KeyNumber> keys, std::string& out) const {
  append_head(keys.size() + 1, keys.size() > 1 ? "MGET" : "GET", out);
  for (const auto key : keys) {
    out += '$';
    out += std::to_string(names_.bytes());
    out += "\r\n";
    names_.append(key, out);
    out += "\r\n";
  }
}

void RedisWire::write_set_head(KeyNumber key, std::size_t value_bytes, std::string& out) const {
  append_head(3, "SET", out);
  out += '$';
  out += std::to_string(names_.bytes());
  out += "\r\n";
  names_.append(key, out);
  out += "\r\n$";
  out += std::to_string(value_bytes);
  out += "\r\n";
}

// $<bytes> and data, or $-1, for each key in its place; *<keys> before those of MGET; -<words> is an error.
AnswerState RedisWire::read_get(std::string_view input, std::size_t keys, Answer& answer) const {
  AnswerInput in{input};
  std::uint32_t place = 0;
  bool head = keys > 1;
  while (place < keys) {
    const auto line = in.line();
    if (!line) return in.why_none();
    if (place == 0 && line->starts_with('-')) {
      answer.error = *line;
      break;
    }
    if (head) {
      if (!line->starts_with('*') || number_of(line->substr(1)) != keys) return AnswerState::broken;
      head = false;
      continue;
    }
    if (*line != "$-1") {
      const auto bytes = line->starts_with('$') ? number_of(line->substr(1)) : std::nullopt;
      if (!bytes) return AnswerState::broken;
      const auto value = in.data(*bytes);
      if (!value) return in.why_none();
      answer.values.push_back({.name = {}, .place = place, .value = *value});
    }
    ++place;
  }
  answer.bytes = in.taken();
  return AnswerState::complete;
}

AnswerState RedisWire::read_set(std::string_view input, Answer& answer) const {
  AnswerInput in{input};
  const auto line = in.line();
  if (!line) return in.why_none();
  answer.stored = *line == "+OK";
  if (!answer.stored && !line->starts_with('-')) return AnswerState::broken;
  if (!answer.stored) answer.error = *line;
  answer.bytes = in.taken();
  return AnswerState::complete;
}

}  // namespace flare::bench
