#include "support/original_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <regex>
#include <stdexcept>

#include "support/temp_dir.h"

namespace flare::test {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const auto end = std::min(line.find(' '), line.size());
    if (end > 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

std::optional<std::int64_t> number_of(const std::string& word) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return number;
}

std::string OriginalNode::line() const {
  return fmt::format("NODE {} {} {} {} {} {} {}", name, port, role, state, partition, balance, thread_type);
}

std::optional<OriginalNode> parse_original_node(std::string_view line) {
  const auto words = words_of(line);
  if (words.size() < 8 || words[0] != "NODE") return std::nullopt;
  std::array<int, 6> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = number_of(words[i + 2]);
    if (!number) return std::nullopt;
    numbers[i] = static_cast<int>(*number);
  }
  return OriginalNode{words[1], numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
}

std::string OriginalMap::lines() const {
  std::string text;
  for (const auto& [key, node] : nodes) text += node.line() + "\r\n";
  return text + "END\r\n";
}

const OriginalNode* OriginalMap::master_of(int partition, bool preparing) const {
  for (const auto& [key, node] : nodes) {
    if (node.role != OriginalNode::master || node.partition != partition) continue;
    const bool prepares = node.state == OriginalNode::prepare || node.state == OriginalNode::ready;
    if (preparing ? prepares : node.state == OriginalNode::active) return &node;
  }
  return nullptr;
}

int OriginalMap::active_partitions() const {
  int count = 0;
  for (const auto& [key, node] : nodes) {
    const bool holds = node.state == OriginalNode::active || node.state == OriginalNode::down;
    if (node.role == OriginalNode::master && holds) count = std::max(count, node.partition + 1);
  }
  return count;
}

bool OriginalMap::has_preparing() const { return master_of(active_partitions(), true) != nullptr; }

std::string OriginalMap::stats() const {
  constexpr std::array<const char*, 3> roles{"master", "slave", "proxy"};
  constexpr std::array<const char*, 4> states{"active", "prepare", "down", "ready"};
  std::string text;
  for (const auto& [key, node] : nodes) {
    const auto add = [&](const char* field, const std::string& value) {
      text += fmt::format("STAT {}:{} {}\r\n", key, field, value);
    };
    add("role", roles.at(static_cast<std::size_t>(node.role)));
    add("state", states.at(static_cast<std::size_t>(node.state)));
    add("partition", std::to_string(node.partition));
    add("balance", std::to_string(node.balance));
    add("thread_type", std::to_string(node.thread_type));
  }
  return text + "END\r\n";
}

int original_partition(std::string_view key, int partitions) {
  constexpr std::size_t slots = 4096;
  std::vector<int> row(slots, 0);
  for (int n = 2; n <= partitions; ++n) {
    std::vector<int> counts(static_cast<std::size_t>(n), 0);
    for (auto& slot : row) {
      if (++counts[static_cast<std::size_t>(slot)] % n == n - 1) slot = n - 1;
    }
  }
  int hash = 0;
  for (const char byte : key) hash += static_cast<signed char>(byte);
  return row[static_cast<std::size_t>(std::abs(hash)) % slots];
}

void write_original_xml(const std::filesystem::path& file, const OriginalMap& map) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\" ?>\n<!DOCTYPE boost_serialization>\n"
      "<boost_serialization signature=\"serialization::archive\" version=\"18\">\n";
  text += fmt::format(
      "<version>{}</version>\n<node_map class_id=\"0\" tracking_level=\"0\" version=\"0\">\n"
      "\t<count>{}</count>\n\t<item_version>0</item_version>\n",
      map.version, map.nodes.size());
  bool first = true;
  for (const auto& [key, node] : map.nodes) {
    const auto* item = first ? " class_id=\"1\" tracking_level=\"0\" version=\"0\"" : "";
    const auto* second = first ? " class_id=\"2\" tracking_level=\"0\" version=\"0\"" : "";
    first = false;
    text += fmt::format("\t<item{}>\n\t\t<first>{}</first>\n\t\t<second{}>\n", item, key, second);
    const auto field = [&](const char* name, const auto& value) {
      text += fmt::format("\t\t\t<node_{}>{}</node_{}>\n", name, value, name);
    };
    field("server_name", node.name);
    field("server_port", node.port);
    field("role", node.role);
    field("state", node.state);
    field("partition", node.partition);
    field("balance", node.balance);
    field("thread_type", node.thread_type);
    text += "\t\t</second>\n\t</item>\n";
  }
  text += fmt::format("</node_map>\n<thread_type>{}</thread_type>\n</boost_serialization>\n", map.next_thread_type);
  write_file(file, text);
}

OriginalMap read_original_xml(const std::filesystem::path& file) {
  auto text = read_file(file);
  text = text.substr(0, text.find("</boost_serialization>"));
  const auto number = [](const std::string& part, const std::string& name) {
    std::smatch found;
    if (!std::regex_search(part, found, std::regex{"<" + name + ">(-?[0-9]+)</"})) {
      throw std::runtime_error("flare.xml has no " + name);
    }
    return std::stoll(found[1]);
  };
  OriginalMap map;
  map.version = static_cast<std::uint64_t>(number(text, "version"));
  map.next_thread_type = static_cast<int>(number(text, "thread_type"));
  const std::regex item{"<node_server_name>([^<]*)</node_server_name>([^]*?)</second>"};
  for (std::sregex_iterator it{text.begin(), text.end(), item}, end; it != end; ++it) {
    const std::string rest = (*it)[2];
    const auto field = [&](const char* name) { return static_cast<int>(number(rest, std::string{"node_"} + name)); };
    const OriginalNode node{(*it)[1],           field("server_port"), field("role"),       field("state"),
                            field("partition"), field("balance"),     field("thread_type")};
    map.nodes.emplace(node.key(), node);
  }
  return map;
}

}  // namespace flare::test
