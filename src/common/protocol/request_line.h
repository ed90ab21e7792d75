#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/limits.h"
#include "common/protocol/reply_writer.h"
#include "common/protocol/request.h"

/// The text grammar of one request line (docs/spec/protocol.md 1, 2). Pure, without allocation.
namespace flare {

/// Bound of a proxy prefix: it is written again before a forwarded line, which must stay within the next node's limit.
constexpr std::size_t prefix_bytes_max = 4096;
constexpr std::uint32_t payload_bytes_max = 2147483647;  // protocol.md 1: a larger size is no number

/// How gat is read where both words are numbers (option gat-order): by the rule of design.md 1, or always in one order.
enum class GatOrder : std::uint8_t { rule, flare, memcached };

struct ReaderLimits {
  std::size_t line_bytes = limits::line_bytes_max;
  std::size_t key_bytes = limits::key_bytes_max;
  std::size_t value_bytes = limits::value_bytes_max;
  GatOrder gat_order = GatOrder::rule;
  bool client_versions = true;  // whether a client may give a version (option client-versions)
  bool sasl = false;            // whether users are known: without them SASL is no command (option auth-file)
};

enum class LineVerdict : std::uint8_t {
  complete,          // the line is the whole request
  wants_payload,     // a storage command: payload_bytes and a line end follow
  wants_node_lines,  // node sync: NODE lines and END follow (cluster.md 3.1)
  syntax_error,
  value_too_large,
  meta,              // of `meta_verb`: its words are `request.rest` (meta_line.h)
  keys_unavailable,  // a good `keys` line, which a hash store cannot answer (protocol.md 2)
};

struct RequestLine {
  LineVerdict verdict = LineVerdict::syntax_error;
  Request request;
  /// What a syntax error is answered; empty where noreply silences it.
  std::string_view refusal = reply::error;
  /// Size of the payload that follows. Known for a refused storage command too when the word at its place is a size:
  /// then the payload is skipped (protocol.md 9.5).
  std::optional<std::uint32_t> payload_bytes;
  ItemVerb meta_verb = ItemVerb::get;
};

/// `line` comes without its line end; the views of the result point into it.
RequestLine parse_request_line(std::string_view line, const ReaderLimits& limits);

}  // namespace flare
