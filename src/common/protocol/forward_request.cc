#include "common/protocol/forward_request.h"

#include <cassert>

#include "common/protocol/exptime.h"
#include "common/protocol/proxy_prefix.h"

namespace flare {
namespace {

constexpr std::string_view line_end = "\r\n";

std::string_view write_word(const Request& request) {
  switch (request.command) {
    case Command::set:
      return "set";
    case Command::add:
      return "add";
    case Command::replace:
      return "replace";
    case Command::append:
      return "append";
    case Command::prepend:
      return "prepend";
    case Command::cas:
      return "cas";
    case Command::incr:
      return "incr";
    case Command::decr:
      return "decr";
    case Command::remove:
      return "delete";
    case Command::touch:
      return "touch";
    case Command::gat:
      return request.with_version ? "gats" : "gat";
    case Command::get:
    case Command::gets:
    case Command::flush_all:
    case Command::stats:
    case Command::version:
    case Command::verbosity:
    case Command::ping:
    case Command::item:
    case Command::noop:
    case Command::sasl:
    case Command::quit:
    case Command::dump:
    case Command::dump_key:
    case Command::kill:
    case Command::salvage:
    case Command::show:
    case Command::node_sync:
    case Command::repl:
    case Command::position:
    case Command::hello:
      return {};
  }
  return {};
}

void append_word(OutputBuffer& out, std::string_view word) {
  out.append(" ");
  out.append(word);
}

template <class Number>
void append_field(OutputBuffer& out, Number number) {
  out.append(" ");
  out.append_number(number);
}

void append_end_words(OutputBuffer& out, const Request& request) {
  if (request.sync) append_word(out, "sync");
  if (request.async) append_word(out, "async");
  out.append(line_end);
}

void append_store(OutputBuffer& out, const Request& request, std::int64_t now_s) {
  append_word(out, request.key);
  append_field(out, request.flags);
  append_field(out, absolute_expire_s(request.exptime, now_s));
  append_field(out, request.data.size());
  if (request.version != 0 || request.command == Command::cas) append_field(out, request.version);
  append_end_words(out, request);
  out.append(request.data);
  out.append(line_end);
}

void append_delete(OutputBuffer& out, const Request& request, std::int64_t now_s) {
  append_word(out, request.key);
  append_field(out, absolute_expire_s(request.exptime, now_s));
  if (request.version != 0) append_field(out, request.version);
  append_end_words(out, request);
}

void append_arithmetic(OutputBuffer& out, const Request& request) {
  append_word(out, request.key);
  append_field(out, request.delta);
  append_end_words(out, request);
}

void append_touch(OutputBuffer& out, const Request& request, std::int64_t now_s) {
  const auto expire_s = absolute_expire_s(request.exptime, now_s);
  if (request.with_version) {  // gats: time first
    append_field(out, expire_s);
    append_word(out, request.key);
  } else {
    append_word(out, request.key);
    append_field(out, expire_s);
  }
  out.append(line_end);
}

}  // namespace

bool is_forwarded_write(Command command) {
  Request request;
  request.command = command;
  return !write_word(request).empty();
}

void append_forwarded_write(OutputBuffer& out, const Request& request, std::string_view own_name, std::int64_t now_s) {
  const auto word = write_word(request);
  assert(!word.empty());
  append_prefix(out, request.prefix, own_name);
  out.append(word);
  switch (request.command) {
    case Command::incr:
    case Command::decr:
      return append_arithmetic(out, request);
    case Command::remove:
      return append_delete(out, request, now_s);
    case Command::touch:
    case Command::gat:
      return append_touch(out, request, now_s);
    case Command::set:
    case Command::add:
    case Command::replace:
    case Command::append:
    case Command::prepend:
    case Command::cas:
      return append_store(out, request, now_s);
    case Command::get:
    case Command::gets:
    case Command::flush_all:
    case Command::stats:
    case Command::version:
    case Command::verbosity:
    case Command::ping:
    case Command::item:
    case Command::noop:
    case Command::sasl:
    case Command::quit:
    case Command::dump:
    case Command::dump_key:
    case Command::kill:
    case Command::salvage:
    case Command::show:
    case Command::node_sync:
    case Command::repl:
    case Command::position:
    case Command::hello:
      return;  // not forwarded
  }
}

void append_forwarded_read(OutputBuffer& out, bool with_version, std::span<const std::string_view> keys) {
  out.append(with_version ? "gets" : "get");
  for (const auto key : keys) append_word(out, key);
  out.append(line_end);
}

}  // namespace flare
