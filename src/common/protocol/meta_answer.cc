#include <algorithm>
#include <charconv>

#include "common/protocol/exptime.h"
#include "common/protocol/item_answer.h"
#include "common/protocol/reply_writer.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

constexpr std::string_view line_end = "\r\n";

std::int64_t seconds_left(const ItemResult& result, std::int64_t now_s) {
  if (result.expire_s == 0) return -1;  // unlimited
  return std::max<std::int64_t>(result.expire_s - now_s, 0);
}

std::string_view code_of(const ItemRequest& request, ItemStatus status) {
  switch (status) {
    case ItemStatus::done:
      return request.wants_value ? "VA" : "HD";
    case ItemStatus::missing:
      return request.verb == ItemVerb::get ? "EN" : "NF";
    case ItemStatus::not_stored:
      return "NS";
    case ItemStatus::exists:
      return "EX";
    case ItemStatus::non_numeric:
    case ItemStatus::too_large:
    case ItemStatus::failed:
      return {};  // answered as an error line
  }
  return {};
}

// Quiet hides what a client expects: the misses of mg, the successes of the others.
bool is_unsaid(const ItemRequest& request, ItemStatus status) {
  return request.quiet && status == (request.verb == ItemVerb::get ? ItemStatus::missing : ItemStatus::done);
}

template <class Number>
void append_flag(OutputBuffer& out, std::string_view letter, Number number) {
  out.append(letter);
  out.append_number(number);
}

void append_key(OutputBuffer& out, const ItemRequest& request) {
  out.append(" k");
  out.append(request.key_as_sent);
  const bool base64 = request.key_as_sent.size() != request.shown_key().size();  // longer than what it stands for
  if (base64) out.append(" b");
}

void append_flag_of_get(OutputBuffer& out, char letter, const ItemResult& result, std::int64_t now_s) {
  if (letter == 's') append_flag(out, " s", result.data_bytes);
  if (letter == 'f') append_flag(out, " f", result.flags);
  if (letter == 't') append_flag(out, " t", seconds_left(result, now_s));
  if (letter == 'c') append_flag(out, " c", result.version);
}

// ms always tells a version: 0 where nothing was stored.
void append_flag_of_store(OutputBuffer& out, char letter, const ItemResult& result) {
  if (letter == 'c') append_flag(out, " c", result.status == ItemStatus::done ? result.version : 0);
}

void append_flag_of_arithmetic(OutputBuffer& out, char letter, const ItemResult& result, std::int64_t now_s) {
  if (letter == 't') append_flag(out, " t", seconds_left(result, now_s));
  if (letter == 'c') append_flag(out, " c", result.version);
}

void append_asked(OutputBuffer& out, const ItemRequest& request, std::string_view word, const ItemResult& result,
                  std::int64_t now_s) {
  const char letter = word.front();
  if (letter == 'O') {
    out.append(" ");
    out.append(word);
    return;
  }
  if (letter == 'k') return append_key(out, request);
  const bool done = result.status == ItemStatus::done;
  if (request.verb == ItemVerb::store) append_flag_of_store(out, letter, result);
  if (request.verb == ItemVerb::get && done) append_flag_of_get(out, letter, result, now_s);
  if (request.verb == ItemVerb::arithmetic && done) append_flag_of_arithmetic(out, letter, result, now_s);
}

void append_marks(OutputBuffer& out, const ItemResult& result) {
  if (result.token_sent) out.append(" Z");
  if (result.stale) out.append(" X");
  if (result.won) out.append(" W");
}

/// The number of an arithmetic answer in decimal digits.
class Digits {
 public:
  explicit Digits(std::uint64_t number) : end_(std::to_chars(digits_, digits_ + sizeof digits_, number).ptr) {}
  std::string_view text() const { return {digits_, end_}; }

 private:
  char digits_[20];  // 2^64 - 1 has as many
  const char* end_;
};

// The words act in their order, as memcached has it: `t` before `T` tells what was left before.
void append_flags(OutputBuffer& out, const ItemRequest& request, const ItemResult& result, std::int64_t now_s) {
  ItemResult shown = result;
  Words words{request.meta_words};
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (word.front() == 'T' && request.exptime) shown.expire_s = absolute_expire_s(*request.exptime, now_s);
    append_asked(out, request, word, shown, now_s);
  }
}

void append_result(OutputBuffer& out, const ItemRequest& request, const ItemResult& result, std::int64_t now_s) {
  const bool with_data = request.wants_value && result.status == ItemStatus::done;
  const Digits digits{result.number};
  const auto data = request.verb == ItemVerb::arithmetic ? digits.text() : result.data;
  out.append(code_of(request, result.status));
  if (with_data) append_flag(out, " ", data.size());
  append_flags(out, request, result, now_s);
  if (request.verb == ItemVerb::get && result.status == ItemStatus::done) append_marks(out, result);
  out.append(line_end);
  if (!with_data) return;
  out.append(data);
  out.append(line_end);
}

// Of memcached's words those that a record here has: no access times, no slab class.
void append_debug(OutputBuffer& out, const ItemRequest& request, const ItemResult& result, std::int64_t now_s) {
  if (result.status != ItemStatus::done) return out.append("EN\r\n");
  out.append("ME ");
  out.append(request.key_as_sent);
  append_flag(out, " exp=", seconds_left(result, now_s));
  append_flag(out, " cas=", result.version);
  append_flag(out, " size=", result.data_bytes);
  out.append(line_end);
}

}  // namespace

void append_meta_answer(OutputBuffer& out, const ItemRequest& request, const ItemResult& result, std::int64_t now_s) {
  switch (result.status) {
    case ItemStatus::non_numeric:
      return out.append(reply::non_numeric);
    case ItemStatus::too_large:
      return out.append(reply::too_large);
    case ItemStatus::failed:
      return out.append(result.error);
    case ItemStatus::done:
    case ItemStatus::missing:
    case ItemStatus::not_stored:
    case ItemStatus::exists:
      break;
  }
  if (is_unsaid(request, result.status)) return;
  if (request.verb == ItemVerb::debug) return append_debug(out, request, result, now_s);
  append_result(out, request, result, now_s);
}

}  // namespace flare
