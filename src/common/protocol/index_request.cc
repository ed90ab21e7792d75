#include "common/protocol/index_request.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "common/protocol/words.h"

namespace flare {
namespace {

constexpr std::size_t server_name_bytes_max = 255;
constexpr std::string_view server_name_bytes_refused = ",<>&\"'";
constexpr int port_max = 65535;

// A name is kept verbatim (cluster.md 1.1), but it goes into flare.xml, NODE lines and proxy prefixes, which other
// bytes would break.
bool good_server_name(std::string_view name) {
  const auto good = [](char byte) {
    return byte > ' ' && byte < 0x7f && server_name_bytes_refused.find(byte) == std::string_view::npos;
  };
  return !name.empty() && name.size() <= server_name_bytes_max && std::all_of(name.begin(), name.end(), good);
}

bool take_node(Words& words, IndexRequest& request) {
  request.server_name = words.next();
  if (!good_server_name(request.server_name)) return false;
  const auto port = words.next_number<int>();
  if (port) request.port = *port;
  return port && *port > 0 && *port <= port_max;
}

// cluster.md 1.3: a non-number is as if missing, and so is what follows it.
int next_or_minus_one(Words& words) {
  if (!words.at_number()) return -1;
  return words.next_number<int>().value_or(-1);
}

bool parse_alone(Words& words, IndexRequest&) { return words.done(); }

bool parse_stats(Words& words, IndexRequest& request) {
  const auto topic = stats_topic_from_words(words.remainder());
  if (topic) request.topic = *topic;
  return topic.has_value();
}

bool parse_node_alone(Words& words, IndexRequest& request) { return take_node(words, request) && words.done(); }

bool parse_node_role(Words& words, IndexRequest& request) {
  if (!take_node(words, request)) return false;
  const auto role = role_from_text(words.next());
  if (!role) return false;
  request.role = *role;
  request.balance = next_or_minus_one(words);
  request.partition = PartitionId{next_or_minus_one(words)};
  std::string_view last;
  for (auto word = words.next(); !word.empty(); word = words.next()) last = word;
  request.force = last == "force";
  return true;
}

bool parse_node_state(Words& words, IndexRequest& request) {
  if (!take_node(words, request)) return false;
  const auto state = state_from_text(words.next());
  if (state) request.state = *state;
  return state && words.done();
}

bool parse_node_insync(Words& words, IndexRequest& request) {
  if (!take_node(words, request)) return false;
  const auto epoch = words.next_number<std::uint64_t>();
  const auto flag = words.next();
  if (!epoch || (flag != "0" && flag != "1")) return false;
  request.epoch = Epoch{*epoch};
  request.in_sync = flag == "1";
  return words.done();
}

bool parse_node_offer(Words& words, IndexRequest& request) {
  const auto version = words.next_number<std::uint64_t>();
  if (version) request.map_version = MapVersion{*version};
  return version && take_node(words, request) && words.done();
}

bool parse_node_adopt(Words& words, IndexRequest& request) {
  if (words.at_number()) {
    const auto version = words.next_number<std::uint64_t>();
    if (version) request.map_version = MapVersion{*version};
    return version && words.done();
  }
  request.empty = words.next() == "empty" && words.next() == "force";
  return request.empty && words.done();
}

bool parse_kill(Words& words, IndexRequest& request) {
  const auto id = words.next_number<std::int32_t>();
  if (id) request.kill_id = *id;
  return id && words.done();
}

bool parse_verbosity(Words& words, IndexRequest& request) {
  if (!words.next_number<std::int32_t>()) return false;
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (word != "noreply" && word != "async") return false;
    request.noreply = request.noreply || word == "noreply";
  }
  return true;
}

bool parse_hello(Words& words, IndexRequest& request) {
  request.rest = words.remainder();
  return !request.rest.empty();
}

bool parse_show(Words& words, IndexRequest&) { return words.next() == "variables"; }

struct CommandRow {
  std::string_view word;
  IndexCommand command;
  bool (*parse)(Words&, IndexRequest&);
};

constexpr std::array node_rows{
    CommandRow{"add", IndexCommand::node_add, parse_node_alone},
    CommandRow{"role", IndexCommand::node_role, parse_node_role},
    CommandRow{"state", IndexCommand::node_state, parse_node_state},
    CommandRow{"remove", IndexCommand::node_remove, parse_node_alone},
    CommandRow{"insync", IndexCommand::node_insync, parse_node_insync},
    CommandRow{"offer", IndexCommand::node_offer, parse_node_offer},
    CommandRow{"adopt", IndexCommand::node_adopt, parse_node_adopt},
};

constexpr std::array command_rows{
    CommandRow{"ping", IndexCommand::ping, parse_alone},
    CommandRow{"stats", IndexCommand::stats, parse_stats},
    CommandRow{"kill", IndexCommand::kill, parse_kill},
    CommandRow{"quit", IndexCommand::quit, parse_alone},
    CommandRow{"meta", IndexCommand::meta, parse_alone},
    CommandRow{"verbosity", IndexCommand::verbosity, parse_verbosity},
    CommandRow{"version", IndexCommand::version, parse_alone},  // design.md 1: flarei answers as the original
    CommandRow{"show", IndexCommand::show, parse_show},
    CommandRow{"shutdown", IndexCommand::shutdown, parse_node_alone},
    CommandRow{"hello", IndexCommand::hello, parse_hello},
};

std::optional<IndexRequest> parse_row(std::span<const CommandRow> rows, Words& words) {
  const auto word = words.next();
  for (const CommandRow& row : rows) {
    if (row.word != word) continue;
    IndexRequest request;
    request.command = row.command;
    return row.parse(words, request) ? std::optional{request} : std::nullopt;
  }
  return std::nullopt;
}

// protocol.md 1: a proxy prefix is accepted before every command, and means nothing here.
std::string_view without_prefix(std::string_view line) {
  if (line.empty() || line.front() != '<') return line;
  const auto end = line.find('>');
  return end == std::string_view::npos ? line : line.substr(end + 1);
}

}  // namespace

std::optional<IndexRequest> parse_index_request(std::string_view line) {
  Words words{without_prefix(line.substr(0, line.find('\0')))};
  Words after_first = words;
  if (after_first.next() == "node") return parse_row(node_rows, after_first);
  return parse_row(command_rows, words);
}

}  // namespace flare
