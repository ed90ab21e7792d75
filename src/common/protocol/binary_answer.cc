#include "common/protocol/binary_answer.h"

#include <algorithm>

#include "common/protocol/binary_opcode.h"
#include "common/protocol/binary_packet.h"

namespace flare {
namespace {

constexpr std::string_view line_end = "\r\n";

bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find(line_end), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + line_end.size(), text.size()));
  return line;
}

bool tells_of_space(std::string_view text) {
  if (text.starts_with("out of memory") || text.starts_with("out of disk space")) return true;
  // of the node, or of a door: (door.NAME.max-items)
  return text.starts_with("quota exceeded (") && (text.ends_with("max-bytes)") || text.ends_with("max-items)"));
}

BinaryError client_error(std::string_view text) {
  if (text.starts_with("access denied")) return {BinaryStatus::auth_error, text};
  if (text == "unauthenticated" || text == "authentication failure") {
    return {BinaryStatus::auth_error, text_of(BinaryStatus::auth_error)};
  }
  if (text.starts_with("cannot increment or decrement non-numeric value")) {
    return {BinaryStatus::non_numeric, text_of(BinaryStatus::non_numeric)};
  }
  return {BinaryStatus::invalid_arguments, text};
}

BinaryError server_error(std::string_view text) {
  if (text == "object too large for cache") return {BinaryStatus::too_large, text_of(BinaryStatus::too_large)};
  return {tells_of_space(text) ? BinaryStatus::out_of_memory : BinaryStatus::internal_error, text};
}

void append_stat_packet(OutputBuffer& out, const BinaryHeader& request, std::string_view name, std::string_view value) {
  BinaryAnswerHeader header;
  header.request = request;
  header.key_bytes = name.size();
  header.value_bytes = value.size();
  write_binary_header(out.prepare(binary_header_bytes), header);
  out.commit(binary_header_bytes);
  out.append(name);
  out.append(value);
}

// The packet without key and value is the end of the list: memcached's END.
void append_stats(OutputBuffer& out, const BinaryHeader& request, std::string_view text) {
  while (!text.empty()) {
    auto line = take_line(text);
    if (line == "END") return append_stat_packet(out, request, {}, {});
    take_word(line, "STAT ");
    const auto end = std::min(line.find(' '), line.size());
    append_stat_packet(out, request, line.substr(0, end), line.substr(std::min(end + 1, line.size())));
  }
}

}  // namespace

std::string_view text_of(BinaryStatus status) {
  switch (status) {
    case BinaryStatus::success:
    case BinaryStatus::internal_error:
      return {};
    case BinaryStatus::not_found:
      return "Not found";
    case BinaryStatus::exists:
      return "Data exists for key.";
    case BinaryStatus::too_large:
      return "Too large.";
    case BinaryStatus::invalid_arguments:
      return "Invalid arguments";
    case BinaryStatus::not_stored:
      return "Not stored.";
    case BinaryStatus::non_numeric:
      return "Non-numeric server-side value for incr or decr";
    case BinaryStatus::auth_error:
      return "Auth failure.";
    case BinaryStatus::unknown_command:
      return "Unknown command";
    case BinaryStatus::out_of_memory:
      return "Out of memory";
  }
  return {};
}

BinaryError binary_error_of(std::string_view line) {
  auto text = take_line(line);
  if (text == "ERROR") return {BinaryStatus::unknown_command, text_of(BinaryStatus::unknown_command)};
  if (take_word(text, "CLIENT_ERROR ")) return client_error(text);
  if (take_word(text, "SERVER_ERROR ")) return server_error(text);
  take_word(text, "ERROR ");
  return {BinaryStatus::internal_error, text};
}

void append_binary_answer(OutputBuffer& out, const BinaryHeader& header, BinaryStatus status, std::string_view value) {
  BinaryAnswerHeader answer;
  answer.request = header;
  answer.status = static_cast<std::uint16_t>(status);
  answer.value_bytes = value.size();
  write_binary_header(out.prepare(binary_header_bytes), answer);
  out.commit(binary_header_bytes);
  out.append(value);
}

void append_binary_of_text(OutputBuffer& out, const BinaryHeader& header, std::string_view text) {
  const auto& opcode = binary_opcode(header.opcode);
  if (text.empty()) return;
  if (text.starts_with("STAT ") || text == "END\r\n") return append_stats(out, header, text);
  auto line = text;
  line = take_line(line);
  if (line == "OK" && opcode.command == Command::sasl) {
    return append_binary_answer(out, header, BinaryStatus::success, "Authenticated");
  }
  if (line == "OK" || line == "RESET") {
    if (!opcode.quiet) append_binary_answer(out, header, BinaryStatus::success, {});
    return;
  }
  if (take_word(line, "VERSION ")) return append_binary_answer(out, header, BinaryStatus::success, line);
  const bool unknown_stat = line == "ERROR" && opcode.command == Command::stats;
  const auto error =
      unknown_stat ? BinaryError{BinaryStatus::not_found, text_of(BinaryStatus::not_found)} : binary_error_of(text);
  append_binary_answer(out, header, error.status, error.text);
}

}  // namespace flare
