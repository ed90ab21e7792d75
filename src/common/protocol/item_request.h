#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// What a meta command or a binary packet asks of one key, and what came of it (docs/design.md 1: as memcached 1.6):
/// one form for both protocols, for the storage and for other nodes. Pure.
namespace flare {

enum class ItemVerb : std::uint8_t {
  get,         // mg; get, getk, gat, touch (get without the value)
  store,       // ms; set, add, replace, append, prepend
  remove,      // md; delete
  arithmetic,  // ma; increment, decrement
  debug,       // me
};

enum class StoreMode : std::uint8_t { set, add, append, prepend, replace };

/// The fields of a binary request that its answer repeats.
struct BinaryHeader {
  std::uint8_t opcode = 0;
  std::uint32_t opaque = 0;  // as it stood on the wire, its bytes are not turned round
};

/// All views point into the read buffer (or, for a decoded key, into the reader).
struct ItemRequest {
  ItemVerb verb = ItemVerb::get;
  std::string_view key;
  std::string_view data;  // store: the payload without its CRLF
  StoreMode mode = StoreMode::set;
  std::uint32_t flags = 0;               // store, and what a vivified entry gets
  std::optional<std::int64_t> exptime;   // as sent: 0, relative, absolute, negative. store without one: never
  std::optional<std::uint64_t> compare;  // the version that the entry must have
  bool invalidate = false;  // md I: stale in place of removed. ms I: an older `compare` stores a stale entry
  bool decrement = false;
  std::uint64_t delta = 1;
  std::optional<std::int64_t> vivify_exptime;  // get, arithmetic: a missing entry is made, with this exptime
  std::uint64_t initial = 0;                   // arithmetic: the value of an entry that is made
  std::optional<std::int64_t> recache_s;       // get: one client wins when less than this is left
  bool wants_value = false;                    // get: the data; arithmetic: the number
  bool sees_marks = false;                     // get: of meta only: stale, won (docs/compatibility.md)

  // How it is answered.
  enum class Form : std::uint8_t { meta, binary };
  Form form = Form::meta;
  bool quiet = false;                 // meta q: EN of get, HD of the others unsaid. Binary: by opcode
  std::string_view meta_words;        // meta: the words behind key (and size), whose order the answer keeps
  std::string_view key_as_sent;       // meta: with b the base64 form; `k` gives it back
  std::uint8_t hidden_key_bytes = 0;  // at the begin of `key`: its door's key-prefix, which the client does not see
  BinaryHeader binary;

  /// The key as the client knows it.
  std::string_view shown_key() const { return key.substr(hidden_key_bytes); }
};

enum class ItemStatus : std::uint8_t {
  done,         // HD, VA; binary 0
  missing,      // EN, NF; binary 1
  not_stored,   // NS; binary 5
  exists,       // EX; binary 2
  non_numeric,  // binary 6
  too_large,    // binary 3
  failed,       // `error` says why
};

struct ItemResult {
  ItemStatus status = ItemStatus::failed;
  std::uint64_t version = 0;  // of the entry after the operation; 0: not known
  std::uint32_t flags = 0;    // get
  // get, arithmetic: absolute, 0 = never; before the request's own `exptime` took effect, as memcached tells it.
  std::int64_t expire_s = 0;
  std::uint64_t data_bytes = 0;  // get: size of the data, also when `data` was not asked for
  std::string_view data = {};    // get with wants_value
  std::uint64_t number = 0;      // arithmetic
  bool won = false;              // W
  bool stale = false;            // X
  bool token_sent = false;       // Z
  std::string_view error = {};   // failed: `SERVER_ERROR ...` or `CLIENT_ERROR ...` with CRLF
};

/// A result that tells of no entry.
inline ItemResult with_status(ItemStatus status) {
  ItemResult result;
  result.status = status;
  return result;
}
inline ItemResult failed(std::string_view error) {
  ItemResult result;  // failed until told otherwise
  result.error = error;
  return result;
}

}  // namespace flare
