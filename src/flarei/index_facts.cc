#include "flarei/index_facts.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <utility>

#include "common/base/cluster_identity.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

constexpr std::string_view opening = "<!-- flare ";
constexpr std::string_view closing = " -->";
constexpr std::string_view end_of_archive = "</boost_serialization>";
constexpr std::string_view cluster_word = "cluster=";
constexpr std::string_view version_word = "map-version=";
constexpr std::string_view reign_word = "reign=";

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The words before the last comment line's end; empty: there is no such line.
std::string_view words_of_xml(std::string_view xml) {
  const auto end = xml.rfind(end_of_archive);
  if (end == std::string_view::npos) return {};
  const auto begin = xml.find(opening, end);
  if (begin == std::string_view::npos) return {};
  const auto rest = xml.substr(begin + opening.size());
  const auto close = rest.find(closing);
  return close == std::string_view::npos ? std::string_view{} : rest.substr(0, close);
}

std::string_view take_until(char mark, std::string_view& text) {
  const auto end = text.find(mark);
  const auto taken = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return taken;
}

void append_reign(std::string& out, PartitionId partition, const PartitionReign& reign, const NodeMap& map) {
  fmt::format_to(std::back_inserter(out), " {}{}:{}:", reign_word, raw(partition), raw(reign.epoch));
  bool first = true;
  for (const auto& key : reign.in_sync) {
    if (!std::exchange(first, false)) out += ',';
    out += std::to_string(raw(map.nodes.at(key).thread_type));
  }
}

bool take_reign(std::string_view text, const std::map<ThreadType, NodeKey>& nodes, IndexFacts& facts) {
  const auto partition = number_of<std::int32_t>(take_until(':', text));
  const auto epoch = number_of<std::uint64_t>(take_until(':', text));
  if (!partition || !epoch) return false;
  PartitionReign reign{Epoch{*epoch}, {}};
  while (!text.empty()) {
    const auto thread_type = number_of<std::int32_t>(take_until(',', text));
    const auto node = thread_type ? nodes.find(ThreadType{*thread_type}) : nodes.end();
    if (node == nodes.end()) return false;
    reign.in_sync.insert(node->second);
  }
  return facts.reigns.emplace(PartitionId{*partition}, std::move(reign)).second;
}

std::map<ThreadType, NodeKey> by_thread_type(const NodeMap& map) {
  std::map<ThreadType, NodeKey> found;
  for (const auto& [key, node] : map.nodes) found.emplace(node.thread_type, key);
  return found;
}

}  // namespace

std::string facts_line(const std::string& cluster, const NodeMap& map) {
  std::string line{opening};
  if (!cluster.empty()) line.append(cluster_word).append(cluster).append(" ");
  line.append(version_word).append(std::to_string(raw(map.version)));
  for (const auto& [partition, reign] : map.reigns) append_reign(line, partition, reign, map);
  return line.append(closing).append("\n");
}

std::optional<IndexFacts> facts_of_xml(std::string_view xml, const NodeMap& map) {
  Words words{words_of_xml(xml)};
  if (words.done()) return std::nullopt;
  const auto nodes = by_thread_type(map);
  IndexFacts facts;
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (word.starts_with(cluster_word)) facts.cluster = word.substr(cluster_word.size());
    if (word.starts_with(version_word)) {
      const auto version = number_of<std::uint64_t>(word.substr(version_word.size()));
      if (!version) return std::nullopt;
      facts.map_version = MapVersion{*version};
    }
    if (!word.starts_with(reign_word) || facts.map_version != map.version) continue;
    if (!take_reign(word.substr(reign_word.size()), nodes, facts)) return std::nullopt;
  }
  if (!facts.cluster.empty() && !is_cluster_id(facts.cluster)) return std::nullopt;
  return facts;
}

}  // namespace flare
