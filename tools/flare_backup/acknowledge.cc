#include "flare_backup/acknowledge.h"

#include <fmt/format.h>

#include "flare_backup/connection.h"

namespace flare::backup {
namespace {

using Text = Result<std::string, std::string>;

Text failed(std::string text) { return Text{boost::system::in_place_error, std::move(text)}; }

// The lines `STAT salvaged_<name> <number>` as `name number, ...`.
std::string salvaged_words(std::string_view lines) {
  constexpr std::string_view start = "STAT salvaged_";
  std::string words;
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (!line.starts_with(start)) continue;
    if (!words.empty()) words += ", ";
    words += line.substr(start.size());
  }
  return words;
}

}  // namespace

Text acknowledge_salvage(const status::Target& node, std::chrono::milliseconds patience) {
  auto connection = Connection::open(node, patience);
  if (!connection) return failed(connection.error());
  const auto lines = connection->ask("stats durability");
  if (!lines) return lines;
  if (const auto sent = connection->send("salvage acknowledge\r\n"); !sent) return failed(sent.error());
  const auto answer = connection->read_line();
  if (!answer) return answer;
  if (*answer != "OK") return failed(fmt::format("{}: {}", connection->peer(), *answer));
  return Text{boost::system::in_place_value, salvaged_words(*lines)};
}

}  // namespace flare::backup
