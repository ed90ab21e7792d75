#include "common/cluster/node_map_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace flare {

namespace {

// Words of a line, parted by spaces only (cluster.md, conventions). Empty at the end.
class SpaceWords {
 public:
  explicit SpaceWords(std::string_view line) : rest_(line) {}

  std::string_view next() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    const auto word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    return word;
  }

  /// nullopt: no decimal number, or not from `lowest` to `highest`.
  std::optional<int> next_int(int lowest, int highest) {
    const auto word = next();
    int value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
    if (value < lowest || value > highest) return std::nullopt;
    return value;
  }

 private:
  std::string_view rest_;
};

constexpr int any_max = 0x7fffffff;
constexpr int known_words = 8;  // NODE and its seven fields
constexpr std::string_view epoch_word = "e=";
constexpr std::string_view sync_word = "sync=";

std::string reign_words(const NodeMap& map, const NodeKey& key, const Node& node) {
  const auto reign = map.reigns.find(node.partition);
  if (reign == map.reigns.end()) return {};
  return fmt::format(" {}{} {}{}", epoch_word, raw(reign->second.epoch), sync_word,
                     reign->second.in_sync.contains(key) ? 1 : 0);
}

std::optional<std::uint64_t> number_of(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

void append_node_line(std::string& out, const Node& node, std::string_view more) {
  fmt::format_to(std::back_inserter(out), "NODE {} {} {} {} {} {} {}{}\r\n", node.server_name, node.port,
                 static_cast<int>(node.role), static_cast<int>(node.state), raw(node.partition), node.balance,
                 raw(node.thread_type), more);
}

std::string node_lines(const NodeMap& map, std::string_view more) {
  std::string out;
  for (const auto& [key, node] : map.nodes) append_node_line(out, node, more);
  out += "END\r\n";
  return out;
}

std::string node_lines_with_reigns(const NodeMap& map, std::string_view more) {
  std::string out;
  for (const auto& [key, node] : map.nodes) append_node_line(out, node, reign_words(map, key, node).append(more));
  out += "END\r\n";
  return out;
}

bool take_reign_words(std::string_view line, const Node& node, NodeMap& map) {
  SpaceWords words{line};
  for (int i = 0; i < known_words; ++i) words.next();
  std::optional<std::uint64_t> epoch;
  std::optional<std::uint64_t> in_sync;
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    auto* const field = word.starts_with(epoch_word) ? &epoch : word.starts_with(sync_word) ? &in_sync : nullptr;
    if (!field) continue;  // of another use
    *field = number_of(word.substr(word.find('=') + 1));
    if (!*field) return false;
  }
  if (!epoch && !in_sync) return true;
  if (!epoch || !in_sync || *in_sync > 1 || node.partition == no_partition) return false;
  const auto [reign, is_first] = map.reigns.try_emplace(node.partition, PartitionReign{Epoch{*epoch}, {}});
  if (!is_first && reign->second.epoch != Epoch{*epoch}) return false;
  if (*in_sync == 1) reign->second.in_sync.insert(node.key());
  return true;
}

std::optional<Node> parse_node_line(std::string_view line) {
  SpaceWords words{line};
  if (words.next() != "NODE") return std::nullopt;
  Node node;
  node.server_name = words.next();
  const auto port = words.next_int(1, 65535);
  const auto role = words.next_int(0, 2);
  const auto state = words.next_int(0, 3);
  const auto partition = words.next_int(-1, any_max);
  const auto balance = words.next_int(0, any_max);
  const auto thread_type = words.next_int(raw(first_thread_type), any_max);
  if (!port || !role || !state || !partition || !balance || !thread_type) return std::nullopt;
  node.port = *port;
  node.role = static_cast<Role>(*role);
  node.state = static_cast<State>(*state);
  node.partition = PartitionId{*partition};
  node.balance = *balance;
  node.thread_type = ThreadType{*thread_type};
  return node;
}

std::string stats_nodes_text(const NodeMap& map) {
  std::string out;
  for (const auto& [key, node] : map.nodes) {
    fmt::format_to(std::back_inserter(out),
                   "STAT {0}:role {1}\r\nSTAT {0}:state {2}\r\nSTAT {0}:partition {3}\r\nSTAT {0}:balance {4}\r\n"
                   "STAT {0}:thread_type {5}\r\n",
                   key.text, to_text(node.role), to_text(node.state), raw(node.partition), node.balance,
                   raw(node.thread_type));
  }
  out += "END\r\n";
  return out;
}

}  // namespace flare
