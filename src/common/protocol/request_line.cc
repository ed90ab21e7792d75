#include "common/protocol/request_line.h"

#include <algorithm>
#include <array>

#include "common/protocol/meta_line.h"
#include "common/protocol/refusal_text.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

/// Which of the words at the end a command takes (protocol.md 1).
struct EndWords {
  bool noreply = true;
  bool sync = false;
  bool async = false;
};
constexpr EndWords write_words{.noreply = true, .sync = true, .async = true};
constexpr EndWords touch_words{.noreply = true, .sync = false, .async = false};
constexpr EndWords admin_words{.noreply = true, .sync = false, .async = true};

/// What a command's own parser gets: the words after the command word.
struct Context {
  Words words;
  Request& request;
  RequestLine& line;
  const ReaderLimits& limits;
};

bool take_end_words(Context& context, const EndWords& allowed) {
  while (!context.words.done()) {
    const auto word = context.words.next();
    if (word == "noreply" && allowed.noreply) {
      context.request.noreply = true;
    } else if (word == "sync" && allowed.sync) {
      context.request.sync = true;
    } else if (word == "async" && allowed.async) {
      context.request.async = true;
    } else {
      return false;
    }
  }
  return true;
}

LineVerdict complete_if(bool good) { return good ? LineVerdict::complete : LineVerdict::syntax_error; }

bool good_key(std::string_view key, const ReaderLimits& limits) {
  return !key.empty() && key.size() <= limits.key_bytes;  // refused, not cut (protocol.md 9.6)
}

bool take_key(Context& context) {
  context.request.key = context.words.next();
  return good_key(context.request.key, context.limits);
}

template <class T>
bool take_number(Context& context, T& value) {
  const auto number = context.words.next_number<T>();
  if (number) value = *number;
  return number.has_value();
}

/// A number that may be missing: absent is fine, a bad one is not.
template <class T>
bool take_optional_number(Context& context, T& value) {
  return !context.words.at_number() || take_number(context, value);
}

// Negative is memcached's "expired at once" (design.md 1), for clients only: a prefixed request answers as the
// original.
bool take_exptime(Context& context) {
  return take_number(context, context.request.exptime) && (context.request.exptime >= 0 || !context.request.proxied);
}

bool take_keys(Context& context) {
  context.request.rest = context.words.remainder();
  if (context.request.rest.empty()) return false;
  Words keys{context.request.rest};
  for (auto key = keys.next(); !key.empty(); key = keys.next()) {
    if (!good_key(key, context.limits)) return false;
  }
  return true;
}

// The size by its place alone, so that a line with a fault elsewhere still tells what to skip.
std::optional<std::uint32_t> size_word(Words words) {
  for (int field = 0; field < 3; ++field) words.next();
  const auto size = words.next_number<std::uint32_t>();
  return size && *size <= payload_bytes_max ? size : std::nullopt;
}

bool take_store_fields(Context& context) {
  Request& request = context.request;
  std::uint32_t size = 0;
  if (!take_key(context) || !take_number(context, request.flags) || !take_exptime(context)) return false;
  if (!take_number(context, size) || size > payload_bytes_max) return false;
  const bool version_good = request.command == Command::cas ? take_number(context, request.version)
                                                            : take_optional_number(context, request.version);
  return version_good && take_end_words(context, write_words);
}

LineVerdict parse_store(Context& context) {
  context.line.payload_bytes = size_word(context.words);
  if (!take_store_fields(context)) return LineVerdict::syntax_error;
  if (*context.line.payload_bytes > context.limits.value_bytes) return LineVerdict::value_too_large;
  return LineVerdict::wants_payload;
}

LineVerdict parse_get(Context& context) { return complete_if(take_keys(context)); }

LineVerdict parse_arithmetic(Context& context) {
  if (!take_key(context)) return LineVerdict::syntax_error;
  const auto step = context.words.next_wrapping_number();
  if (!step) return LineVerdict::syntax_error;
  context.request.delta = *step;
  return complete_if(take_end_words(context, write_words));
}

// The time is no exptime: the hold of protocol.md 3, and a negative one stays an error.
LineVerdict parse_delete(Context& context) {
  Request& request = context.request;
  return complete_if(take_key(context) && take_optional_number(context, request.exptime) && request.exptime >= 0 &&
                     take_optional_number(context, request.version) && take_end_words(context, write_words));
}

LineVerdict parse_touch(Context& context) {
  return complete_if(take_key(context) && take_exptime(context) &&
                     take_optional_number(context, context.request.version) && take_end_words(context, touch_words));
}

bool is_number(std::string_view word) {
  Words words{word};
  return words.next_number<std::int64_t>().has_value() && words.done();
}

// design.md 1, gat: whose order a client meant.
bool is_memcached_order(Words words, GatOrder order) {
  const auto first = words.next();
  if (!is_number(first)) return false;
  auto last = words.next();
  if (last.empty()) return false;
  if (!is_number(last)) return true;
  if (order != GatOrder::rule) return order == GatOrder::memcached;
  std::size_t count = 2;
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    last = word;
    ++count;
  }
  return count > 2 && last != "noreply";
}

LineVerdict parse_memcached_gat(Context& context) {
  context.request.memcached_order = true;
  return complete_if(take_number(context, context.request.exptime) && take_keys(context));
}

LineVerdict parse_gat(Context& context) {
  if (!context.request.proxied && is_memcached_order(context.words, context.limits.gat_order))
    return parse_memcached_gat(context);
  return parse_touch(context);
}

LineVerdict parse_gats(Context& context) {
  context.request.with_version = true;
  return parse_memcached_gat(context);
}

LineVerdict parse_flush_all(Context& context) {
  return complete_if(take_optional_number(context, context.request.exptime) && take_end_words(context, admin_words));
}

LineVerdict parse_verbosity(Context& context) {
  std::int32_t ignored = 0;
  return complete_if(take_number(context, ignored) && take_end_words(context, admin_words));
}

LineVerdict parse_rest(Context& context) {
  context.request.rest = context.words.remainder();
  return LineVerdict::complete;
}

// memcached takes words behind version, the original does not (design.md 1).
LineVerdict parse_version(Context& context) { return complete_if(!context.request.proxied || context.words.done()); }

LineVerdict parse_alone(Context& context) { return complete_if(context.words.done()); }

LineVerdict parse_kill(Context& context) {
  return complete_if(take_number(context, context.request.kill_id) && context.words.done());
}

LineVerdict parse_salvage(Context& context) {
  return complete_if(context.words.next() == "acknowledge" && context.words.done());
}

LineVerdict parse_show(Context& context) {
  parse_rest(context);
  return complete_if(context.words.next() == "variables");
}

// The whole words follow; who is meant by them is the daemon's matter.
LineVerdict parse_repl(Context& context) {
  parse_rest(context);
  return complete_if(!context.request.rest.empty());
}

// cluster.md 6.3: partition and size together or neither; a word that is no number ends the arguments without an error.
LineVerdict parse_dump_source(Context& context) {
  Request& request = context.request;
  if (!take_optional_number(context, request.partition) || !take_optional_number(context, request.partition_size) ||
      !take_optional_number(context, request.bandwidth_kb_s)) {
    return LineVerdict::syntax_error;
  }
  if (request.partition < -1 || request.partition_size < 0 || request.bandwidth_kb_s < 0) {
    return LineVerdict::syntax_error;
  }
  if (request.partition == -1) return complete_if(request.partition_size == 0);
  return complete_if(request.partition < request.partition_size);
}

LineVerdict parse_dump(Context& context) {
  if (!take_optional_number(context, context.request.wait_us)) return LineVerdict::syntax_error;
  if (context.request.wait_us < 0) return LineVerdict::syntax_error;
  return parse_dump_source(context);
}

// `keys <prefix>... <limit>`.
LineVerdict parse_keys(Context& context) {
  std::size_t count = 0;
  std::string_view last;
  for (auto word = context.words.next(); !word.empty(); word = context.words.next()) {
    if (!good_key(word, context.limits)) return LineVerdict::syntax_error;
    last = word;
    ++count;
  }
  Words words{last};
  const auto limit = words.next_number<std::int32_t>();
  const bool good = count >= 2 && limit && *limit > 0 && words.done();
  return good ? LineVerdict::keys_unavailable : LineVerdict::syntax_error;
}

LineVerdict parse_node(Context& context) {
  if (context.words.next() != "sync") return LineVerdict::syntax_error;
  const bool good = take_optional_number(context, context.request.version) && context.words.done();
  return good ? LineVerdict::wants_node_lines : LineVerdict::syntax_error;
}

template <ItemVerb verb>
LineVerdict parse_meta(Context& context) {
  parse_rest(context);
  context.line.meta_verb = verb;
  if (verb == ItemVerb::store) context.line.payload_bytes = meta_payload_bytes(context.request.rest);
  return LineVerdict::meta;
}

// memcached reads over words behind mn.
LineVerdict parse_meta_noop(Context&) { return LineVerdict::complete; }

struct CommandRow {
  std::string_view word;
  Command command;
  LineVerdict (*parse)(Context&);
};

constexpr std::array command_rows{
    CommandRow{"get", Command::get, parse_get},
    CommandRow{"set", Command::set, parse_store},
    CommandRow{"gets", Command::gets, parse_get},
    CommandRow{"add", Command::add, parse_store},
    CommandRow{"replace", Command::replace, parse_store},
    CommandRow{"append", Command::append, parse_store},
    CommandRow{"prepend", Command::prepend, parse_store},
    CommandRow{"cas", Command::cas, parse_store},
    CommandRow{"incr", Command::incr, parse_arithmetic},
    CommandRow{"decr", Command::decr, parse_arithmetic},
    CommandRow{"delete", Command::remove, parse_delete},
    CommandRow{"touch", Command::touch, parse_touch},
    CommandRow{"gat", Command::gat, parse_gat},
    CommandRow{"gats", Command::gat, parse_gats},
    CommandRow{"flush_all", Command::flush_all, parse_flush_all},
    CommandRow{"stats", Command::stats, parse_rest},
    CommandRow{"version", Command::version, parse_version},
    CommandRow{"verbosity", Command::verbosity, parse_verbosity},
    CommandRow{"ping", Command::ping, parse_alone},
    CommandRow{"quit", Command::quit, parse_alone},
    CommandRow{"dump", Command::dump, parse_dump},
    CommandRow{"dump_key", Command::dump_key, parse_dump_source},
    CommandRow{"kill", Command::kill, parse_kill},
    CommandRow{"salvage", Command::salvage, parse_salvage},
    CommandRow{"show", Command::show, parse_show},
    CommandRow{"node", Command::node_sync, parse_node},
    CommandRow{"repl", Command::repl, parse_repl},
    CommandRow{"hello", Command::hello, parse_repl},
    CommandRow{"position", Command::position, parse_repl},
    CommandRow{"keys", Command::get, parse_keys},
    CommandRow{"mg", Command::item, parse_meta<ItemVerb::get>},
    CommandRow{"ms", Command::item, parse_meta<ItemVerb::store>},
    CommandRow{"md", Command::item, parse_meta<ItemVerb::remove>},
    CommandRow{"ma", Command::item, parse_meta<ItemVerb::arithmetic>},
    CommandRow{"me", Command::item, parse_meta<ItemVerb::debug>},
    CommandRow{"mn", Command::noop, parse_meta_noop},
};

// protocol.md 1: a line that begins with < and has a >; a NUL ends the line before that.
std::string_view take_prefix(std::string_view line, Request& request) {
  if (line.empty() || line.front() != '<') return line;
  const auto end = line.substr(0, line.find('\0')).find('>');
  if (end == std::string_view::npos) return line;
  request.proxied = true;
  request.prefix = line.substr(1, end - 1);
  return line.substr(end + 1);
}

struct SplitLine {
  std::string_view command;
  std::string_view rest;
};

// A NUL directly behind the command word parts it from the rest like a space (golden protocol.jsonl, nul-mid).
SplitLine split_command(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const auto end = std::min(line.find_first_of(std::string_view{" \0", 2}), line.size());
  return {line.substr(0, end), line.substr(std::min(end + 1, line.size()))};
}

// What one node passes on to another keeps its version (design.md 1).
bool gives_version(const Request& request) {
  return !request.proxied && request.version > 0 && request.command != Command::cas &&
         request.command != Command::node_sync;
}

}  // namespace

RequestLine parse_request_line(std::string_view line, const ReaderLimits& limits) {
  RequestLine parsed;
  const auto [command, rest] = split_command(take_prefix(line, parsed.request));
  for (const CommandRow& row : command_rows) {
    if (row.word != command) continue;
    parsed.request.command = row.command;
    Context context{Words{rest}, parsed.request, parsed, limits};
    parsed.verdict = row.parse(context);
    if (parsed.request.prefix.size() > prefix_bytes_max) parsed.verdict = LineVerdict::syntax_error;
    if (!limits.client_versions && gives_version(parsed.request)) {
      parsed.verdict = LineVerdict::syntax_error;
      parsed.refusal = parsed.request.noreply ? std::string_view{} : reply::no_client_versions;
      return parsed;
    }
    const bool answers_as_memcached = !parsed.request.proxied && row.parse != parse_keys;
    if (parsed.verdict == LineVerdict::syntax_error && answers_as_memcached) {
      parsed.refusal = refusal_text(row.command, rest, limits);
    }
    return parsed;
  }
  return parsed;
}

}  // namespace flare
