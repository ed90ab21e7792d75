#include "common/protocol/answer_reader.h"

#include "common/protocol/line.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

constexpr std::string_view line_end = "\r\n";

AnswerScan need_more(std::size_t bytes) { return {AnswerScan::Kind::need_more, 0, bytes}; }
AnswerScan broken() { return {AnswerScan::Kind::broken, 0, 0}; }
AnswerScan complete(std::size_t bytes) { return {AnswerScan::Kind::complete, bytes, 0}; }

bool is_error_line(std::string_view line) {
  return line == "ERROR" || line.starts_with("SERVER_ERROR") || line.starts_with("CLIENT_ERROR");
}

}  // namespace

AnswerShape answer_shape(const Request& request) {
  switch (request.command) {
    case Command::get:
    case Command::gets:
      return AnswerShape::values_until_end;
    case Command::item:
      return AnswerShape::item;
    case Command::gat:
      return request.with_version ? AnswerShape::values_until_end : AnswerShape::value_or_line;
    case Command::stats:
    case Command::show:
    case Command::dump:
    case Command::dump_key:
    case Command::set:
    case Command::add:
    case Command::replace:
    case Command::append:
    case Command::prepend:
    case Command::cas:
    case Command::incr:
    case Command::decr:
    case Command::remove:
    case Command::touch:
    case Command::flush_all:
    case Command::version:
    case Command::verbosity:
    case Command::ping:
    case Command::noop:
    case Command::sasl:
    case Command::quit:
    case Command::kill:
    case Command::salvage:
    case Command::node_sync:
    case Command::repl:
    case Command::position:
    case Command::hello:
      return AnswerShape::line;
  }
  return AnswerShape::line;
}

std::optional<ValueLine> parse_value_line(std::string_view line) {
  Words words{line};
  if (words.next() != "VALUE") return std::nullopt;
  ValueLine value;
  value.key = words.next();
  const auto flags = words.next_number<std::uint32_t>();
  const auto data_bytes = words.next_number<std::size_t>();
  if (value.key.empty() || !flags || !data_bytes) return std::nullopt;
  value.flags = *flags;
  value.data_bytes = *data_bytes;
  if (words.done()) return value;
  const auto version = words.next_number<std::uint64_t>();
  if (!version || !words.done()) return std::nullopt;
  value.version = *version;
  return value;
}

void AnswerReader::begin(AnswerShape shape) {
  shape_ = shape;
  scanned_ = 0;
  values_.clear();
}

AnswerScan AnswerReader::scan(std::string_view unread) {
  while (true) {
    const auto found = find_line(unread.substr(scanned_), limits::line_bytes_max);
    if (found.kind == LineSearch::Kind::incomplete) return need_more(unread.size() + 1);
    if (found.kind == LineSearch::Kind::too_long) return broken();
    const auto end = scanned_ + found.consumed;
    if (shape_ == AnswerShape::line) return complete(end);
    if (shape_ == AnswerShape::item) return scan_item(unread, found.text, end);
    if (found.text.starts_with("VALUE ")) {
      if (const auto result = scan_value(unread, found.text, end)) return *result;
      continue;
    }
    if (shape_ == AnswerShape::value_or_line || found.text == "END" || is_error_line(found.text)) return complete(end);
    return broken();
  }
}

AnswerScan AnswerReader::scan_item(std::string_view unread, std::string_view line, std::size_t begin) const {
  if (!line.starts_with("VA ")) return complete(begin);
  Words words{line.substr(3)};
  const auto data_bytes = words.next_number<std::size_t>();
  if (!data_bytes || *data_bytes > value_bytes_max_) return broken();
  const auto end = begin + *data_bytes + line_end.size();
  if (unread.size() < end) return need_more(end);
  return unread.substr(end - line_end.size(), line_end.size()) == line_end ? complete(end) : broken();
}

// nullopt: the value is whole and another line follows.
std::optional<AnswerScan> AnswerReader::scan_value(std::string_view unread, std::string_view line, std::size_t begin) {
  const auto value = parse_value_line(line);
  if (!value || value->data_bytes > value_bytes_max_) return broken();
  const auto end = begin + value->data_bytes + line_end.size();
  if (unread.size() < end) return need_more(end);
  if (unread.substr(begin + value->data_bytes, line_end.size()) != line_end) return broken();
  values_.push_back({.begin = scanned_,
                     .bytes = end - scanned_,
                     .key_begin = static_cast<std::size_t>(value->key.data() - unread.data()),
                     .key_bytes = value->key.size()});
  if (shape_ == AnswerShape::value_or_line) return complete(end);
  scanned_ = end;
  return std::nullopt;
}

}  // namespace flare
