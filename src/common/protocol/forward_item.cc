#include "common/protocol/forward_item.h"

#include <algorithm>
#include <limits>

#include "common/protocol/exptime.h"
#include "common/protocol/item_answer_line.h"
#include "common/protocol/meta_line.h"
#include "common/protocol/proxy_prefix.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

constexpr std::string_view line_end = "\r\n";

std::string_view verb_word(ItemVerb verb) {
  switch (verb) {
    case ItemVerb::get:
      return "mg ";
    case ItemVerb::store:
      return "ms ";
    case ItemVerb::remove:
      return "md ";
    case ItemVerb::arithmetic:
      return "ma ";
    case ItemVerb::debug:
      return "me ";
  }
  return {};
}

std::string_view mode_flag(StoreMode mode) {
  switch (mode) {
    case StoreMode::set:
      return {};
    case StoreMode::add:
      return " ME";
    case StoreMode::append:
      return " MA";
    case StoreMode::prepend:
      return " MP";
    case StoreMode::replace:
      return " MR";
  }
  return {};
}

template <class Number>
void append_flag(OutputBuffer& out, std::string_view letter, Number number) {
  out.append(letter);
  out.append_number(number);
}

template <class Number>
void append_flag_if(OutputBuffer& out, std::string_view letter, const std::optional<Number>& number) {
  if (number) append_flag(out, letter, *number);
}

// The next node may read the line in another second: all times but R are absolute (docs/replication.md 5).
void append_time(OutputBuffer& out, std::string_view letter, const std::optional<std::int64_t>& exptime,
                 std::int64_t now_s) {
  if (exptime) append_flag(out, letter, absolute_expire_s(*exptime, now_s));
}

void append_get_flags(OutputBuffer& out, const ItemRequest& request, std::int64_t now_s) {
  if (request.wants_value) out.append(" v");
  out.append(" s f c t");
  append_time(out, " N", request.vivify_exptime, now_s);
  append_flag_if(out, " R", request.recache_s);
  append_time(out, " T", request.exptime, now_s);
  if (!request.sees_marks) {
    out.append(" ");
    out.append(plain_get_word);
  }
}

void append_store_flags(OutputBuffer& out, const ItemRequest& request, std::int64_t now_s) {
  append_flag(out, " ", request.data.size());
  if (request.flags != 0) append_flag(out, " F", request.flags);
  append_time(out, " T", request.exptime, now_s);
  out.append(mode_flag(request.mode));
  append_flag_if(out, " C", request.compare);
  if (request.invalidate) out.append(" I");
  out.append(" c");
}

void append_remove_flags(OutputBuffer& out, const ItemRequest& request, std::int64_t now_s) {
  append_flag_if(out, " C", request.compare);
  if (request.invalidate) out.append(" I");
  append_time(out, " T", request.exptime, now_s);
}

void append_arithmetic_flags(OutputBuffer& out, const ItemRequest& request, std::int64_t now_s) {
  if (request.decrement) out.append(" MD");
  append_flag(out, " D", request.delta);
  append_time(out, " N", request.vivify_exptime, now_s);
  if (request.initial != 0) append_flag(out, " J", request.initial);
  append_flag_if(out, " C", request.compare);
  if (request.wants_value) out.append(" v");
  out.append(" t c");  // t before T: what was left before, from which the client's form is made
  append_time(out, " T", request.exptime, now_s);
}

std::optional<ItemStatus> status_of_code(std::string_view code) {
  if (code == "HD" || code == "VA" || code == "ME") return ItemStatus::done;
  if (code == "EN" || code == "NF") return ItemStatus::missing;
  if (code == "NS") return ItemStatus::not_stored;
  if (code == "EX") return ItemStatus::exists;
  return std::nullopt;
}

// `t` tells what is left; -1: without end.
bool take_seconds_left(std::string_view text, std::int64_t now_s, ItemResult& result) {
  std::int64_t left_s = 0;
  if (!take_number(text, left_s)) return false;
  constexpr auto last_s = std::numeric_limits<std::int64_t>::max();  // the other node's clock may be behind
  result.expire_s = left_s < 0 ? 0 : now_s + std::min(left_s, last_s - now_s);
  return true;
}

bool take_flag(std::string_view word, std::int64_t now_s, ItemResult& result) {
  const auto token = word.substr(1);
  switch (word.front()) {
    case 's':
      return take_number(token, result.data_bytes);
    case 'f':
      return take_number(token, result.flags);
    case 'c':
      return take_number(token, result.version);
    case 't':
      return take_seconds_left(token, now_s, result);
    case 'W':
      result.won = true;
      return true;
    case 'X':
      result.stale = true;
      return true;
    case 'Z':
      result.token_sent = true;
      return true;
    default:
      return true;  // nothing that was asked for
  }
}

bool take_debug_word(std::string_view word, std::int64_t now_s, ItemResult& result) {
  const auto value = word.substr(std::min(word.find('=') + 1, word.size()));
  if (word.starts_with("exp=")) return take_seconds_left(value, now_s, result);
  if (word.starts_with("cas=")) return take_number(value, result.version);
  if (word.starts_with("size=")) return take_number(value, result.data_bytes);
  return true;
}

// The scan has seen that the data is whole; a caller that has not scanned gets an error, no view beyond the end.
bool take_data(const ItemRequest& request, Words& words, std::string_view rest, ItemResult& result) {
  const auto size = words.next_number<std::size_t>();
  if (!size || rest.size() != *size + line_end.size() || *size > rest.size()) return false;
  const auto data = rest.substr(0, *size);
  if (request.verb == ItemVerb::arithmetic) return take_number(data, result.number);
  result.data = data;
  result.data_bytes = *size;
  return true;
}

bool take_words(const ItemRequest& request, Words words, std::int64_t now_s, ItemResult& result) {
  const bool debug = request.verb == ItemVerb::debug;
  if (debug) words.next();  // the key
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (!(debug ? take_debug_word(word, now_s, result) : take_flag(word, now_s, result))) return false;
  }
  return true;
}

bool is_expected_code(const ItemRequest& request, std::string_view code, ItemStatus status) {
  if (status != ItemStatus::done) return true;
  if (request.verb == ItemVerb::debug) return code == "ME";
  return code == (request.wants_value ? "VA" : "HD");
}

}  // namespace

void append_forwarded_item(OutputBuffer& out, const ItemRequest& request, std::string_view prefix,
                           std::string_view own_name, std::int64_t now_s) {
  append_prefix(out, prefix, own_name);
  out.append(verb_word(request.verb));
  out.append(request.key);
  switch (request.verb) {
    case ItemVerb::get:
      append_get_flags(out, request, now_s);
      break;
    case ItemVerb::store:
      append_store_flags(out, request, now_s);
      break;
    case ItemVerb::remove:
      append_remove_flags(out, request, now_s);
      break;
    case ItemVerb::arithmetic:
      append_arithmetic_flags(out, request, now_s);
      break;
    case ItemVerb::debug:
      break;
  }
  out.append(line_end);
  if (request.verb != ItemVerb::store) return;
  out.append(request.data);
  out.append(line_end);
}

ItemResult parse_item_answer(const ItemRequest& request, std::string_view answer, std::int64_t now_s) {
  const auto split = split_item_answer(answer);
  if (!split) return not_understood();
  if (const auto error = parse_error_line(*split)) return *error;
  Words words{split->line};
  const auto code = words.next();
  const auto status = status_of_code(code);
  if (!status || !is_expected_code(request, code, *status)) return not_understood();
  auto result = with_status(*status);
  if (code == "VA" && !take_data(request, words, split->rest, result)) return not_understood();
  return take_words(request, words, now_s, result) ? result : not_understood();
}

}  // namespace flare
