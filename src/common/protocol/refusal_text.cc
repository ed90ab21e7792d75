#include "common/protocol/refusal_text.h"

#include <array>
#include <cstdint>

#include "common/protocol/reply_writer.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

constexpr std::size_t words_looked_at = 5;  // no grammar has more fields; end words follow

/// The first words of a line, how many there are in all, and the last.
struct Fields {
  explicit Fields(std::string_view text) {
    Words words{text};
    for (auto word = words.next(); !word.empty(); word = words.next()) {
      if (count < first.size()) first[count] = word;
      last = word;
      ++count;
    }
  }
  std::array<std::string_view, words_looked_at> first;
  std::string_view last;
  std::size_t count = 0;
};

template <class T>
bool is_whole_number(std::string_view word) {
  Words words{word};
  return words.next_number<T>().has_value() && words.done();
}

std::string_view store_refusal(const Fields& fields, const ReaderLimits& limits, bool is_cas) {
  if (fields.count < (is_cas ? 5U : 4U)) return reply::error;
  const auto& [key, flags, exptime, size, unique] = fields.first;
  if (key.size() > limits.key_bytes) return reply::bad_format;
  const bool numbers_good = is_whole_number<std::uint32_t>(flags) && is_whole_number<std::int64_t>(exptime) &&
                            is_whole_number<std::int32_t>(size);
  if (!numbers_good || size.front() == '-') return reply::bad_format;
  return is_cas && !is_whole_number<std::uint64_t>(unique) ? reply::bad_format : reply::error;
}

std::string_view arithmetic_refusal(const Fields& fields, const ReaderLimits& limits) {
  if (fields.count < 2) return reply::error;
  if (fields.first[0].size() > limits.key_bytes) return reply::bad_format;
  Words step{fields.first[1]};
  return step.next_wrapping_number() && step.done() ? reply::error : reply::bad_delta;
}

std::string_view remove_refusal(const Fields& fields, const ReaderLimits& limits) {
  if (fields.count == 0) return reply::error;
  if (fields.first[0].size() > limits.key_bytes) return reply::bad_format;
  return fields.count > 3 ? reply::error : reply::bad_delete;
}

std::string_view touch_refusal(const Fields& fields, const ReaderLimits& limits) {
  if (fields.count < 2) return reply::error;
  if (fields.first[0].size() > limits.key_bytes) return reply::bad_format;
  return is_whole_number<std::int64_t>(fields.first[1]) ? reply::error : reply::bad_exptime;
}

// Who sends neither order meant memcached's, whose first word is the time.
std::string_view gat_refusal(const Fields& fields) {
  if (fields.count < 2) return reply::error;
  return is_whole_number<std::int64_t>(fields.first[0]) ? reply::bad_format : reply::bad_exptime;
}

// flush_all and verbosity: one number, one word behind it.
template <class T>
std::string_view number_refusal(const Fields& fields, std::string_view bad_number) {
  if (fields.count == 0 || fields.count > 2) return reply::error;
  return is_whole_number<T>(fields.first[0]) ? reply::error : bad_number;
}

std::string_view spoken_refusal(Command command, const Fields& fields, const ReaderLimits& limits) {
  switch (command) {
    case Command::get:
    case Command::gets:
      return fields.count == 0 ? reply::error : reply::bad_format;  // a key is too long: nothing else can be wrong
    case Command::set:
    case Command::add:
    case Command::replace:
    case Command::append:
    case Command::prepend:
      return store_refusal(fields, limits, false);
    case Command::cas:
      return store_refusal(fields, limits, true);
    case Command::incr:
    case Command::decr:
      return arithmetic_refusal(fields, limits);
    case Command::remove:
      return remove_refusal(fields, limits);
    case Command::touch:
      return touch_refusal(fields, limits);
    case Command::gat:
      return gat_refusal(fields);
    case Command::flush_all:
      return number_refusal<std::int64_t>(fields, reply::bad_exptime);
    case Command::verbosity:
      return number_refusal<std::int32_t>(fields, reply::bad_format);
    case Command::stats:
    case Command::version:
    case Command::ping:
    case Command::quit:
    case Command::dump:
    case Command::dump_key:
    case Command::kill:
    case Command::salvage:
    case Command::show:
    case Command::node_sync:
    case Command::position:
    case Command::hello:
    case Command::repl:
    case Command::item:  // a meta line tells its own (meta_line.h)
    case Command::noop:
    case Command::sasl:
      break;  // not memcached's, or never refused by its grammar
  }
  return reply::error;
}

}  // namespace

std::string_view refusal_text(Command command, std::string_view words, const ReaderLimits& limits) {
  const Fields fields{words};
  const auto text = spoken_refusal(command, fields, limits);
  return text != reply::error && fields.last == "noreply" ? std::string_view{} : text;
}

}  // namespace flare
