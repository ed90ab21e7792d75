#include "flare_backup/dump_text.h"

#include <fmt/format.h>

#include <iterator>

#include "flared/replication/header_words.h"

namespace flare::backup {
namespace {

using LineResult = Result<std::optional<DumpLine>, std::string>;

LineResult failure(std::string text) { return LineResult{boost::system::in_place_error, std::move(text)}; }
LineResult found(std::optional<DumpLine> line) { return LineResult{boost::system::in_place_value, line}; }

}  // namespace

void append_dump_line(std::string& out, std::string_view key, const RecordView& record) {
  fmt::format_to(std::back_inserter(out), "{} {} {} {} {} '", key, record.flags, record.data.size(),
                 raw(record.version), record.expire_s);
  out += record.data;
  out += "'\n";
}

Result<std::optional<DumpLine>, std::string> next_dump_line(std::string_view& unread) {
  if (unread.empty()) return found(std::nullopt);
  const auto quote = unread.find('\'');
  const auto line_end = unread.find('\n');
  if (quote == std::string_view::npos || (line_end != std::string_view::npos && line_end < quote)) {
    return failure("a line without data in quotes");
  }
  HeaderWords words{unread.substr(0, quote)};
  DumpLine line;
  line.key = words.next();
  const auto flags = words.next_number<std::uint32_t>();
  const auto size = words.next_number<std::size_t>();
  const auto version = words.next_id<RecordVersion>();
  const auto expire_s = words.next_number<std::int64_t>();
  if (line.key.empty() || !flags || !size || !version || !expire_s || !words.at_end()) {
    return failure(fmt::format("a bad line: {}", unread.substr(0, std::min<std::size_t>(quote, 80))));
  }
  const auto rest = unread.substr(quote + 1);
  if (rest.size() < *size + 1 || rest[*size] != '\'')
    return failure(fmt::format("key {}: the data is cut off", line.key));
  line.record = {*flags, *expire_s, *version, rest.substr(0, *size)};
  unread = rest.substr(*size + 1);
  if (unread.starts_with('\r')) unread.remove_prefix(1);
  if (!unread.empty() && unread.front() != '\n') return failure(fmt::format("key {}: bytes behind its data", line.key));
  if (!unread.empty()) unread.remove_prefix(1);
  return found(line);
}

}  // namespace flare::backup
