#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/protocol/item_request.h"
#include "common/protocol/request_line.h"

/// The grammar of the meta commands (docs/design.md 1: as memcached 1.6.18 has them, its error texts too). Pure; only a
/// base64 key needs memory.
namespace flare {

/// Longest word of an opaque, with its `O`: memcached's bound.
constexpr std::size_t opaque_word_bytes_max = 32;

/// Between our nodes (a line with a proxy prefix) this word says that a get is no meta client's: it neither sees marks
/// nor wins. It begins with `P`, a hint for proxies, which memcached reads over.
constexpr std::string_view plain_get_word = "Pplain";

/// What stands behind `mg`, `ms`, `md`, `ma`, `me`.
struct MetaLine {
  ItemVerb verb = ItemVerb::get;
  std::string_view words;
  std::optional<std::uint32_t> payload_bytes;  // of ms: meta_payload_bytes
  bool proxied = false;                        // from another node
};

/// The size in the words of ms, by its place alone, so that a line with a fault elsewhere tells what to skip.
std::optional<std::uint32_t> meta_payload_bytes(std::string_view words);

/// Fills `item`, whose views point into the line, or for a base64 key into `decoded_key`. The answer (with CRLF) that
/// refuses the line, which quiet does not silence; empty: the line is good.
std::string_view parse_meta_line(const MetaLine& line, const ReaderLimits& limits, std::string& decoded_key,
                                 ItemRequest& item);

}  // namespace flare
