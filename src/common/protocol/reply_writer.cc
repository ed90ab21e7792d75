#include "common/protocol/reply_writer.h"

namespace flare {
namespace {

constexpr std::string_view line_end = "\r\n";

void append_value_header(OutputBuffer& out, std::string_view key, std::uint32_t flags, std::size_t data_bytes) {
  out.append("VALUE ");
  out.append(key);
  out.append(" ");
  out.append_number(flags);
  out.append(" ");
  out.append_number(data_bytes);
}

void append_data(OutputBuffer& out, std::string_view data) {
  out.append(line_end);
  out.append(data);
  out.append(line_end);
}

}  // namespace

void append_value(OutputBuffer& out, std::string_view key, std::uint32_t flags, std::string_view data) {
  append_value_header(out, key, flags, data.size());
  append_data(out, data);
}

void append_value_with_version(OutputBuffer& out, std::string_view key, std::uint32_t flags, std::string_view data,
                               std::uint64_t version) {
  append_value_header(out, key, flags, data.size());
  out.append(" ");
  out.append_number(version);
  append_data(out, data);
}

void append_dump_value(OutputBuffer& out, std::string_view key, std::uint32_t flags, std::string_view data,
                       std::uint64_t version, std::int64_t expire_s) {
  append_value_header(out, key, flags, data.size());
  out.append(" ");
  out.append_number(version);
  out.append(" ");
  out.append_number(expire_s);
  append_data(out, data);
}

void append_key(OutputBuffer& out, std::string_view key) {
  out.append("KEY ");
  out.append(key);
  out.append(line_end);
}

void append_number_line(OutputBuffer& out, std::uint64_t number) {
  out.append_number(number);
  out.append(line_end);
}

void append_stat(OutputBuffer& out, std::string_view name, std::string_view value) {
  out.append("STAT ");
  out.append(name);
  out.append(" ");
  out.append(value);
  out.append(line_end);
}

void append_stat(OutputBuffer& out, std::string_view name, std::uint64_t value) {
  out.append("STAT ");
  out.append(name);
  out.append(" ");
  append_number_line(out, value);
}

}  // namespace flare
