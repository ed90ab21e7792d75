#include "common/protocol/meta_line.h"

#include <algorithm>
#include <bitset>
#include <charconv>

#include "common/protocol/base64.h"
#include "common/protocol/reply_writer.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

namespace refusal {
constexpr std::string_view bad_token = "CLIENT_ERROR bad token in command line format\r\n";
constexpr std::string_view invalid_flag = "CLIENT_ERROR invalid flag\r\n";
constexpr std::string_view duplicate_flag = "CLIENT_ERROR duplicate flag\r\n";
constexpr std::string_view invalid_or_duplicate_flag = "CLIENT_ERROR invalid or duplicate flag\r\n";
constexpr std::string_view bad_delta = "CLIENT_ERROR invalid numeric delta value\r\n";
constexpr std::string_view bad_initial = "CLIENT_ERROR invalid numeric initial value\r\n";
constexpr std::string_view mode_length = "CLIENT_ERROR incorrect length for M token\r\n";
constexpr std::string_view store_mode = "CLIENT_ERROR invalid mode for ms M token\r\n";
constexpr std::string_view arithmetic_mode = "CLIENT_ERROR invalid mode for ma M token\r\n";
constexpr std::string_view opaque_too_long = "CLIENT_ERROR opaque token too long\r\n";
constexpr std::string_view bad_base64 = "CLIENT_ERROR error decoding key\r\n";
// design.md 2: no raw keys between nodes.
constexpr std::string_view control_bytes = "CLIENT_ERROR key has control bytes or spaces\r\n";
constexpr std::string_view no_access_times =
    "CLIENT_ERROR flags h and l are not supported, accesses are not recorded\r\n";
}  // namespace refusal

/// What the flags of a line say before it is known which of them the verb takes.
struct Flags {
  bool base64 = false;
  bool asks_access_times = false;  // h, l
  bool plain_get = false;
  char mode = 0;
};

struct Context {
  ItemRequest& item;
  Flags flags;
  bool proxied = false;
};

template <class T>
bool take_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

template <class T>
bool take_number(std::string_view text, std::optional<T>& value) {
  return take_number(text, value.emplace());
}

constexpr std::string_view good{};

std::string_view refuse_unless(bool holds, std::string_view answer) { return holds ? good : answer; }

std::string_view take_mode(Context& context, std::string_view token) {
  if (token.size() != 1) return refusal::mode_length;
  context.flags.mode = token.front();
  return good;
}

// memcached reads the same letters behind every command, and over those that mean nothing there.
std::string_view take_flag(Context& context, std::string_view word) {
  ItemRequest& item = context.item;
  const auto token = word.substr(1);
  switch (word.front()) {
    case 'N':
      return refuse_unless(take_number(token, item.vivify_exptime), refusal::bad_token);
    case 'T':
      return refuse_unless(take_number(token, item.exptime), refusal::bad_token);
    case 'R':
      return refuse_unless(take_number(token, item.recache_s), refusal::bad_token);
    case 'C':
      return refuse_unless(take_number(token, item.compare), refusal::bad_token);
    case 'D':
      return refuse_unless(take_number(token, item.delta), refusal::bad_delta);
    case 'J':
      return refuse_unless(take_number(token, item.initial), refusal::bad_initial);
    case 'F':
      return refuse_unless(take_number(token, item.flags), reply::bad_format);
    case 'M':
      return take_mode(context, token);
    case 'O':
      return refuse_unless(word.size() <= opaque_word_bytes_max, refusal::opaque_too_long);
    case 'I':
      item.invalidate = true;
      return good;
    case 'b':
      context.flags.base64 = true;
      return good;
    case 'q':
      item.quiet = true;
      return good;
    case 'v':
      item.wants_value = true;
      return good;
    case 'h':
    case 'l':
      context.flags.asks_access_times = true;
      return good;
    case 'P':
      context.flags.plain_get = context.proxied && word == plain_get_word;
      return good;
    case 'L':
    case 'c':
    case 'f':
    case 'k':
    case 's':
    case 't':
    case 'u':  // nothing here counts accesses
      return good;
    default:
      return refusal::invalid_flag;
  }
}

std::string_view take_flags(Context& context, Words words) {
  std::bitset<256> seen;
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    const auto letter = static_cast<unsigned char>(word.front());
    if (seen.test(letter)) return refusal::duplicate_flag;
    seen.set(letter);
    if (const auto answer = take_flag(context, word); !answer.empty()) return answer;
  }
  return good;
}

// me reads over whatever is not the word b.
bool has_base64_word(Words words) {
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (word == "b") return true;
  }
  return false;
}

bool is_forbidden_in_key(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= ' ' || byte == 0x7f;
}

std::string_view take_base64_key(ItemRequest& item, const ReaderLimits& limits, std::string& decoded_key) {
  if (!decode_base64(item.key_as_sent, decoded_key)) return refusal::bad_base64;
  if (decoded_key.size() > limits.key_bytes) return reply::bad_format;
  if (std::ranges::any_of(decoded_key, is_forbidden_in_key)) return refusal::control_bytes;
  item.key = decoded_key;
  return good;
}

std::string_view take_key(Context& context, const ReaderLimits& limits, std::string& decoded_key) {
  ItemRequest& item = context.item;
  if (context.flags.base64) return take_base64_key(item, limits, decoded_key);
  item.key = item.key_as_sent;
  return refuse_unless(item.key.size() <= limits.key_bytes, reply::bad_format);  // never cut (protocol.md 9.6)
}

std::string_view finish_get(Context& context) {
  if (context.flags.asks_access_times) return refusal::no_access_times;
  ItemRequest& item = context.item;
  item.sees_marks = !context.flags.plain_get;
  item.compare.reset();
  item.invalidate = false;
  return good;
}

std::string_view finish_store(Context& context) {
  ItemRequest& item = context.item;
  item.vivify_exptime.reset();
  item.recache_s.reset();
  item.wants_value = false;
  switch (context.flags.mode) {
    case 0:
    case 'S':
      item.mode = StoreMode::set;
      return good;
    case 'E':
      item.mode = StoreMode::add;
      return good;
    case 'A':
      item.mode = StoreMode::append;
      return good;
    case 'P':
      item.mode = StoreMode::prepend;
      return good;
    case 'R':
      item.mode = StoreMode::replace;
      return good;
    default:
      return refusal::store_mode;
  }
}

std::string_view finish_remove(Context& context) {
  ItemRequest& item = context.item;
  item.vivify_exptime.reset();
  item.recache_s.reset();
  item.wants_value = false;
  if (!item.invalidate) item.exptime.reset();  // T counts with I only
  return good;
}

std::string_view finish_arithmetic(Context& context) {
  ItemRequest& item = context.item;
  item.recache_s.reset();
  item.invalidate = false;
  switch (context.flags.mode) {
    case 0:
    case 'I':
    case '+':
      return good;
    case 'D':
    case '-':
      item.decrement = true;
      return good;
    default:
      return refusal::arithmetic_mode;
  }
}

// What the verb takes of the flags; the rest is as if it were not there.
std::string_view finish(Context& context) {
  ItemRequest& item = context.item;
  if (item.verb != ItemVerb::store) item.flags = 0;
  if (item.verb != ItemVerb::arithmetic) {
    item.delta = 1;
    item.initial = 0;
  }
  switch (item.verb) {
    case ItemVerb::get:
      return finish_get(context);
    case ItemVerb::store:
      return finish_store(context);
    case ItemVerb::remove:
      return finish_remove(context);
    case ItemVerb::arithmetic:
      return finish_arithmetic(context);
    case ItemVerb::debug:
      return good;
  }
  return good;
}

// memcached gives one text for whatever is wrong with a flag of md and ma, but for the length of an opaque.
std::string_view text_for_verb(ItemVerb verb, std::string_view answer) {
  const bool own_text = answer.empty() || answer == refusal::opaque_too_long;
  switch (verb) {
    case ItemVerb::remove:
    case ItemVerb::arithmetic:
      return own_text ? answer : refusal::invalid_or_duplicate_flag;
    case ItemVerb::get:
    case ItemVerb::store:
    case ItemVerb::debug:
      return answer;
  }
  return answer;
}

std::string_view text_of_bad_base64(ItemVerb verb) {
  return verb == ItemVerb::debug ? reply::bad_format : text_for_verb(verb, refusal::bad_base64);
}

}  // namespace

std::optional<std::uint32_t> meta_payload_bytes(std::string_view text) {
  Words words{text};
  words.next();
  std::uint32_t size = 0;
  const bool is_size = take_number(words.next(), size) && size <= payload_bytes_max;
  return is_size ? std::optional{size} : std::nullopt;
}

std::string_view parse_meta_line(const MetaLine& line, const ReaderLimits& limits, std::string& decoded_key,
                                 ItemRequest& item) {
  item = ItemRequest{};
  item.verb = line.verb;
  Words words{line.words};
  item.key_as_sent = words.next();
  if (item.key_as_sent.empty()) return line.verb == ItemVerb::debug ? reply::bad_format : reply::error;
  if (line.verb == ItemVerb::store) {
    words.next();
    if (!line.payload_bytes) return reply::bad_format;
  }
  item.meta_words = words.remainder();

  Context context{item, {}, line.proxied};
  if (line.verb == ItemVerb::debug) {
    context.flags.base64 = has_base64_word(words);
  } else if (const auto answer = take_flags(context, words); !answer.empty()) {
    return text_for_verb(line.verb, answer);
  }
  if (const auto answer = take_key(context, limits, decoded_key); !answer.empty()) {
    return answer == refusal::bad_base64 ? text_of_bad_base64(line.verb) : answer;
  }
  if (const auto answer = finish(context); !answer.empty()) return answer;
  if (line.payload_bytes.value_or(0) > limits.value_bytes) return reply::too_large;
  return good;
}

}  // namespace flare
