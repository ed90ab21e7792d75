#include "common/protocol/request_reader.h"

#include <algorithm>

#include "common/cluster/node_map_text.h"
#include "common/protocol/binary_packet.h"
#include "common/protocol/line.h"
#include "common/protocol/meta_line.h"
#include "common/protocol/reply_writer.h"

namespace flare {
namespace {

constexpr std::size_t line_end_bytes = 2;

ReadResult need_more(std::size_t bytes) {
  ReadResult result;
  result.kind = ReadResult::Kind::need_more;
  result.bytes_needed = bytes;
  return result;
}

ReadResult refused(std::size_t consumed, std::string_view answer) {
  ReadResult result;
  result.kind = ReadResult::Kind::refused;
  result.consumed = consumed;
  result.answer = answer;
  return result;
}

ReadResult closed(std::string_view answer) {
  ReadResult result;
  result.kind = ReadResult::Kind::close;
  result.answer = answer;
  return result;
}

ReadResult complete(std::size_t consumed, const Request& request, std::string_view data = {}) {
  ReadResult result;
  result.kind = ReadResult::Kind::request;
  result.consumed = consumed;
  result.request = request;
  result.request.data = data;
  return result;
}

}  // namespace

ReadResult RequestReader::next(std::string_view unread) {
  if (unread.empty()) return need_more(1);
  if (skip_bytes_ > 0) return skip(unread);
  if (unread.front() == binary_request_magic) return take_packet(unread);  // protocol.md 1: the first byte decides

  const auto found = find_line(unread, limits_.line_bytes);
  switch (found.kind) {
    case LineSearch::Kind::incomplete:
      return need_more(unread.size() + 1);
    case LineSearch::Kind::too_long:
      return closed(reply::line_too_long);  // protocol.md 9.11
    case LineSearch::Kind::found:
      break;
  }

  auto line = parse_request_line(found.text, limits_);
  switch (line.verdict) {
    case LineVerdict::complete:
      return complete(found.consumed, line.request);
    case LineVerdict::wants_payload:
      return take_payload(unread, found.consumed, line);
    case LineVerdict::wants_node_lines:
      return take_node_lines(unread, found.consumed, line);
    case LineVerdict::meta:
      return take_meta(unread, found.consumed, line);
    case LineVerdict::syntax_error:
      if (stray_header_.ends_with(found.text)) return closed(reply::stray_proxy_header);
      return refuse_and_skip(unread, found.consumed, line, line.refusal);
    case LineVerdict::value_too_large:
      // A result, not a syntax error: noreply silences it, as in memcached.
      return refuse_and_skip(unread, found.consumed, line, line.request.noreply ? "" : reply::too_large);
    case LineVerdict::keys_unavailable:
      return refused(found.consumed, reply::not_available);
  }
  return closed({});  // not reached: the switch names every verdict
}

ReadResult RequestReader::skip(std::string_view unread) {
  const auto now = std::min(skip_bytes_, unread.size());
  skip_bytes_ -= now;
  return refused(now, {});
}

ReadResult RequestReader::take_packet(std::string_view unread) {
  const auto read = binary_.next(unread, item_);
  skip_bytes_ = read.skip_bytes;
  return read.result;
}

// protocol.md 9.5: the payload of a refused command is never read as commands.
ReadResult RequestReader::refuse_and_skip(std::string_view unread, std::size_t line_end, const RequestLine& line,
                                          std::string_view answer) {
  const std::size_t payload = line.payload_bytes ? *line.payload_bytes + line_end_bytes : 0;
  const auto now = std::min(payload, unread.size() - line_end);
  skip_bytes_ = payload - now;
  return refused(line_end + now, answer);
}

ReadResult RequestReader::take_meta(std::string_view unread, std::size_t line_end, RequestLine& line) {
  const MetaLine meta{line.meta_verb, line.request.rest, line.payload_bytes, line.request.proxied};
  const auto refusal = parse_meta_line(meta, limits_, decoded_key_, item_);
  if (!refusal.empty()) return refuse_and_skip(unread, line_end, line, refusal);
  line.request.rest = {};
  line.request.key = item_.key;
  line.request.item = &item_;
  if (line.meta_verb != ItemVerb::store) return complete(line_end, line.request);
  auto result = take_payload(unread, line_end, line);
  item_.data = result.request.data;
  return result;
}

ReadResult RequestReader::take_payload(std::string_view unread, std::size_t line_end, const RequestLine& line) {
  const std::size_t size = *line.payload_bytes;
  const std::size_t whole = line_end + size + line_end_bytes;
  if (unread.size() < whole) return need_more(whole);
  const bool ends_well = unread.substr(line_end + size, line_end_bytes) == "\r\n";
  // memcached 1.6: size + 2 bytes are gone, the next byte begins a command; noreply silences the answer.
  if (!ends_well) return refused(whole, line.request.noreply ? "" : reply::bad_data_chunk);
  return complete(whole, line.request, unread.substr(line_end, size));
}

// cluster.md 3.1. The block ends at END, or at the first line that is no NODE line at all.
ReadResult RequestReader::take_node_lines(std::string_view unread, std::size_t line_end,
                                          const RequestLine& line) const {
  bool all_good = true;
  std::size_t position = line_end;
  for (std::size_t count = 0; count <= limits::map_nodes_max; ++count) {
    if (position - line_end > node_sync_bytes_max) return closed(reply::map_too_large);
    const auto found = find_line(unread.substr(position), limits_.line_bytes);
    if (found.kind == LineSearch::Kind::incomplete) return need_more(unread.size() + 1);
    if (found.kind == LineSearch::Kind::too_long) return closed(reply::line_too_long);
    const auto end = position + found.consumed;
    if (found.text == "END") {
      if (!all_good) return refused(end, reply::format_error);
      return complete(end, line.request, unread.substr(line_end, position - line_end));
    }
    if (!found.text.starts_with("NODE ")) return refused(end, reply::format_error);
    all_good = all_good && parse_node_line(found.text).has_value();
    position = end;
  }
  return closed(reply::map_too_large);
}

}  // namespace flare
