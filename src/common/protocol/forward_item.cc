#include "common/protocol/forward_item.h"

#include <algorithm>

#include "common/protocol/answer_reader.h"
#include "common/protocol/exptime.h"
#include "common/protocol/line.h"
#include "common/protocol/meta_line.h"
#include "common/protocol/proxy_prefix.h"
#include "common/protocol/reply_writer.h"
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
  append_time(out, " T", request.exptime, now_s);
  append_flag_if(out, " C", request.compare);
  if (request.wants_value) out.append(" v");
  out.append(" t c");
}

ItemResult failed(std::string_view error) {
  ItemResult result;
  result.status = ItemStatus::failed;
  result.error = error;
  return result;
}

ItemResult with_status(ItemStatus status) {
  ItemResult result;
  result.status = status;
  return result;
}

// An answer that is none: what the other node did is not known.
ItemResult not_understood() { return failed(reply::proxy_error); }

/// The first line of an answer, and what follows it.
struct Answer {
  std::string_view line;
  std::string_view with_line_end;
  std::string_view rest;
};

std::optional<Answer> split_answer(std::string_view answer) {
  const auto found = find_line(answer, limits::line_bytes_max);
  if (found.kind != LineSearch::Kind::found) return std::nullopt;
  return Answer{found.text, answer.substr(0, found.consumed), answer.substr(found.consumed)};
}

// Error lines of either kind of node. A bare ERROR did not even read the command: surely not done.
std::optional<ItemResult> parse_error(const Answer& answer) {
  if (answer.with_line_end == reply::non_numeric) return with_status(ItemStatus::non_numeric);
  if (answer.with_line_end == reply::too_large) return with_status(ItemStatus::too_large);
  if (answer.line == "ERROR") return failed(reply::proxy_failure);
  const bool is_error = answer.line.starts_with("SERVER_ERROR") || answer.line.starts_with("CLIENT_ERROR");
  return is_error ? std::optional{failed(answer.with_line_end)} : std::nullopt;
}

std::optional<ItemStatus> status_of_code(std::string_view code) {
  if (code == "HD" || code == "VA" || code == "ME") return ItemStatus::done;
  if (code == "EN" || code == "NF") return ItemStatus::missing;
  if (code == "NS") return ItemStatus::not_stored;
  if (code == "EX") return ItemStatus::exists;
  return std::nullopt;
}

template <class T>
bool take_number(std::string_view text, T& value) {
  Words words{text};
  const auto number = words.next_number<T>();
  if (!number || !words.done()) return false;
  value = *number;
  return true;
}

// `t` tells what is left; -1: without end.
bool take_seconds_left(std::string_view text, std::int64_t now_s, ItemResult& result) {
  std::int64_t left_s = 0;
  if (!take_number(text, left_s)) return false;
  result.expire_s = left_s < 0 ? 0 : now_s + left_s;
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

// Whether a meta client asked for what `letter` tells. A binary client takes what there is: 0 where it is not known.
bool asks(const ItemRequest& request, char letter) {
  Words words{request.meta_words};
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (word.front() == letter) return true;
  }
  return false;
}

// An original's gets tells everything but the time that is left; its gat no version; its touch nothing.
std::optional<Command> classic_get(const ItemRequest& request) {
  if (request.vivify_exptime || request.recache_s || asks(request, 't')) return std::nullopt;
  if (!request.exptime) return Command::gets;
  if (asks(request, 'c')) return std::nullopt;
  if (request.wants_value) return Command::gat;
  if (asks(request, 's') || asks(request, 'f')) return std::nullopt;
  return Command::touch;
}

// As memcached and our store have it: a version to compare makes set and replace a cas, and means nothing to add.
std::optional<Command> classic_store(const ItemRequest& request) {
  if (request.invalidate || asks(request, 'c')) return std::nullopt;
  switch (request.mode) {
    case StoreMode::set:
      return request.compare ? Command::cas : Command::set;
    case StoreMode::replace:
      return request.compare ? Command::cas : Command::replace;
    case StoreMode::add:
      return Command::add;
    case StoreMode::append:
      return request.compare ? std::nullopt : std::optional{Command::append};
    case StoreMode::prepend:
      return request.compare ? std::nullopt : std::optional{Command::prepend};
  }
  return std::nullopt;
}

// An original's delete with a version removes older ones too: that is no compare.
std::optional<Command> classic_remove(const ItemRequest& request) {
  return request.compare || request.invalidate ? std::nullopt : std::optional{Command::remove};
}

std::optional<Command> classic_arithmetic(const ItemRequest& request) {
  if (request.vivify_exptime || request.compare || request.exptime) return std::nullopt;
  if (asks(request, 't') || asks(request, 'c')) return std::nullopt;
  return request.decrement ? Command::decr : Command::incr;
}

std::optional<Command> classic_command(const ItemRequest& request) {
  switch (request.verb) {
    case ItemVerb::get:
      return classic_get(request);
    case ItemVerb::store:
      return classic_store(request);
    case ItemVerb::remove:
      return classic_remove(request);
    case ItemVerb::arithmetic:
      return classic_arithmetic(request);
    case ItemVerb::debug:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<ItemStatus> status_of_classic(std::string_view line) {
  if (line == "STORED" || line == "DELETED" || line == "TOUCHED") return ItemStatus::done;
  if (line == "END" || line == "NOT_FOUND") return ItemStatus::missing;
  if (line == "NOT_STORED") return ItemStatus::not_stored;
  if (line == "EXISTS") return ItemStatus::exists;
  return std::nullopt;
}

ItemResult parse_classic_value(const ItemRequest& request, const Answer& answer) {
  const auto value = parse_value_line(answer.line);
  if (!value || answer.rest.size() < value->data_bytes) return not_understood();
  auto result = with_status(ItemStatus::done);
  result.version = value->version;
  result.flags = value->flags;
  result.data_bytes = value->data_bytes;
  if (request.wants_value) result.data = answer.rest.substr(0, value->data_bytes);
  return result;
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
  const auto split = split_answer(answer);
  if (!split) return not_understood();
  if (const auto error = parse_error(*split)) return *error;
  Words words{split->line};
  const auto code = words.next();
  const auto status = status_of_code(code);
  if (!status || !is_expected_code(request, code, *status)) return not_understood();
  auto result = with_status(*status);
  if (code == "VA" && !take_data(request, words, split->rest, result)) return not_understood();
  return take_words(request, words, now_s, result) ? result : not_understood();
}

std::optional<Request> classic_form(const ItemRequest& request) {
  const auto command = classic_command(request);
  if (!command) return std::nullopt;
  Request classic;
  classic.command = *command;
  classic.key = request.key;
  if (*command == Command::gets) classic.rest = request.key;
  classic.data = request.data;
  classic.flags = request.flags;
  classic.exptime = request.exptime.value_or(0);
  if (*command == Command::cas) classic.version = *request.compare;
  if (request.verb == ItemVerb::arithmetic) classic.delta = request.delta;
  return classic;
}

ItemResult parse_classic_answer(const ItemRequest& request, std::string_view answer) {
  // cluster.md 5.1: of a read, nothing at all is a miss.
  if (answer.empty() && request.verb == ItemVerb::get) return with_status(ItemStatus::missing);
  const auto split = split_answer(answer);
  if (!split) return not_understood();
  if (const auto error = parse_error(*split)) return *error;
  if (split->line.starts_with("VALUE ")) return parse_classic_value(request, *split);
  if (const auto status = status_of_classic(split->line)) return with_status(*status);
  auto result = with_status(ItemStatus::done);
  const bool is_number = request.verb == ItemVerb::arithmetic && take_number(split->line, result.number);
  return is_number ? result : not_understood();
}

}  // namespace flare
