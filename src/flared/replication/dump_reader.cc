#include "flared/replication/dump_reader.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/printable.h"
#include "common/protocol/words.h"

namespace flare {

namespace {

using Piece = DumpReader::Piece;

struct ValueHead {
  std::string_view key;
  std::uint32_t flags = 0;
  std::size_t data_bytes = 0;
  std::uint64_t version = 0;
  std::int64_t expire_s = 0;
};

// `VALUE <key> <flag> <size> <version> <expire>`.
std::optional<ValueHead> parse_head(std::string_view line) {
  Words words{line};
  if (words.next() != "VALUE") return std::nullopt;
  ValueHead head;
  head.key = words.next();
  const auto flags = words.next_number<std::uint32_t>();
  const auto data_bytes = words.next_number<std::size_t>();
  const auto version = words.next_number<std::uint64_t>();
  const auto expire_s = words.next_number<std::int64_t>();
  if (head.key.empty() || !flags || !data_bytes || !version || !expire_s || !words.next().empty()) return std::nullopt;
  head.flags = *flags;
  head.data_bytes = *data_bytes;
  head.version = *version;
  head.expire_s = *expire_s;
  return head;
}

}  // namespace

Result<std::optional<Piece>, std::string> DumpReader::next(std::string_view& unread) const {
  const auto line_end = unread.substr(0, limits::line_bytes_max).find('\n');
  if (line_end == std::string_view::npos) {
    if (unread.size() >= limits::line_bytes_max) return std::string{"the dump has a line without an end"};
    return std::optional<Piece>{};
  }
  auto line = unread.substr(0, line_end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto take = [&unread](std::size_t bytes) { unread.remove_prefix(bytes); };
  if (line == "END") {
    take(line_end + 1);
    return std::optional<Piece>{End{}};
  }
  if (line == "SERVER_ERROR database busy") {  // cluster.md 6.3
    take(line_end + 1);
    return std::optional<Piece>{Busy{}};
  }
  const auto head = parse_head(line);
  if (!head) return fmt::format("the dump was answered '{}'", printable(line));
  if (head->key.size() > limits::key_bytes_max) return std::string{"the dump has a key that is too long"};
  if (head->data_bytes > data_bytes_max_) {
    return fmt::format("the value of key '{}' has {} bytes, and max-value-size here is {}", printable(head->key),
                       head->data_bytes, data_bytes_max_);
  }
  const auto data = unread.substr(line_end + 1);
  if (data.size() < head->data_bytes + 2) return std::optional<Piece>{};
  if (data.substr(head->data_bytes, 2) != "\r\n") {
    return fmt::format("the value of key '{}' in the dump does not end where its line says", printable(head->key));
  }
  const RecordView record{head->flags, head->expire_s, RecordVersion{head->version}, data.substr(0, head->data_bytes)};
  const Record piece{head->key, record};
  take(line_end + 1 + head->data_bytes + 2);
  return std::optional<Piece>{piece};
}

}  // namespace flare
