#include "support/bad_input.h"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>
#include <utility>

#include "support/raw_client.h"

namespace flare::test {
namespace {

constexpr std::size_t flood_times = 1000;
constexpr std::size_t piece_bytes = 7;
constexpr std::size_t deaf_rounds = 200;

BadInput::How how_of(std::string_view word) {
  using How = BadInput::How;
  static constexpr std::pair<std::string_view, How> words[] = {
      {"send", How::send},   {"slow", How::slow},   {"split", How::split}, {"cut", How::cut},
      {"reset", How::reset}, {"flood", How::flood}, {"deaf", How::deaf}};
  for (const auto& [name, how] : words) {
    if (name == word) return how;
  }
  throw std::runtime_error{fmt::format("'{}' is no way to send", word)};
}

char escaped(std::string_view text, std::size_t& at) {
  const char kind = at < text.size() ? text[at++] : '\0';
  switch (kind) {
    case 'r':
      return '\r';
    case 'n':
      return '\n';
    case '0':
      return '\0';
    case 'x':
      at += 2;
      return static_cast<char>(std::stoi(std::string{text.substr(at - 2, 2)}, nullptr, 16));
    case '\\':
    case '{':
      return kind;
    default:
      throw std::runtime_error{fmt::format("'\\{}' is no escape", kind)};
  }
}

// `{N*text}`; `at` stands behind the brace.
std::string repeated(std::string_view text, std::size_t& at);

std::string unescaped(std::string_view text, std::size_t& at, bool in_braces) {
  std::string bytes;
  while (at < text.size()) {
    const char c = text[at++];
    if (in_braces && c == '}') return bytes;
    if (c == '\\') {
      bytes += escaped(text, at);
    } else if (c == '{') {
      bytes += repeated(text, at);
    } else {
      bytes += c;
    }
  }
  if (in_braces) throw std::runtime_error{"a brace is not closed"};
  return bytes;
}

std::string repeated(std::string_view text, std::size_t& at) {
  const auto star = text.find('*', at);
  if (star == std::string_view::npos) throw std::runtime_error{"a brace without N*"};
  const auto times = std::stoul(std::string{text.substr(at, star - at)});
  at = star + 1;
  const auto once = unescaped(text, at, true);
  std::string bytes;
  bytes.reserve(times * once.size());
  for (std::size_t i = 0; i < times; ++i) bytes += once;
  return bytes;
}

BadInput row_of(std::string_view line) {
  const auto name_end = line.find(' ');
  const auto how_begin = line.find_first_not_of(' ', name_end);
  const auto how_end = line.find(' ', how_begin);
  if (how_end == std::string_view::npos) throw std::runtime_error{"a row is <name> <how> <bytes>"};
  std::size_t at = 0;
  return {std::string{line.substr(0, name_end)}, how_of(line.substr(how_begin, how_end - how_begin)),
          unescaped(line.substr(how_end + 1), at, false)};
}

std::string times(std::string_view bytes, std::size_t count) {
  std::string all;
  all.reserve(bytes.size() * count);
  for (std::size_t i = 0; i < count; ++i) all += bytes;
  return all;
}

void send_in_pieces(RawClient& client, std::string_view bytes, std::size_t size) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) client.send(bytes.substr(0, size));
}

// A daemon that has read everything and that nobody can send more ends the connection.
std::string ends(RawClient& client) {
  client.end_sending();
  return client.reads_to_end() ? std::string{} : "the daemon leaves a connection open that its client has ended";
}

}  // namespace

std::vector<BadInput> read_bad_input(const std::filesystem::path& file) {
  std::ifstream in{file};
  if (!in) throw std::runtime_error{"cannot read " + file.string()};
  std::vector<BadInput> rows;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    try {
      rows.push_back(row_of(line));
    } catch (const std::exception& error) {
      throw std::runtime_error{fmt::format("{}:{}: {}", file.string(), number, error.what())};
    }
  }
  return rows;
}

std::string play(const BadInput& row, const Address& daemon) {
  RawClient client{daemon};
  const std::string_view bytes = row.bytes;
  switch (row.how) {
    case BadInput::How::send:
      client.send(bytes);
      return ends(client);
    case BadInput::How::slow:
      send_in_pieces(client, bytes, 1);
      return ends(client);
    case BadInput::How::split:
      send_in_pieces(client, bytes, piece_bytes);
      return ends(client);
    case BadInput::How::cut:
      client.send(bytes.substr(0, bytes.size() - 1));
      return ends(client);
    case BadInput::How::reset:
      client.send(bytes);
      client.reset();
      return {};
    case BadInput::How::flood:
      client.send(times(bytes, flood_times));
      return ends(client);
    case BadInput::How::deaf:
      for (std::size_t i = 0; i < deaf_rounds; ++i) client.send_deaf(bytes);
      client.reset();
      return {};
  }
  return {};
}

std::size_t anonymous_bytes(int pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
  std::string word;
  while (in >> word) {
    if (word != "Anonymous:") continue;
    std::size_t kilobytes = 0;
    in >> kilobytes;
    return kilobytes * 1024;
  }
  throw std::runtime_error{"no Anonymous: in smaps_rollup of " + std::to_string(pid)};
}

}  // namespace flare::test
