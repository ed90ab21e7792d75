#include "flarei/offers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/limits.h"
#include "common/cluster/node_map_text.h"
#include "flarei/reigns.h"

namespace flare {

Result<void, std::string> Offers::take(NodeMap map, const NodeKey& by, const std::string& cluster) {
  const auto version = map.version;
  if (!map.nodes.contains(by)) return fmt::format("{} is not in the map that it offers", by.text);
  if (const auto broken = violations(map); !broken.empty()) return broken.front();
  highest_ = std::max(highest_, version);
  auto found = maps_.find(version);
  if (found == maps_.end())
    found = maps_.emplace(version, OfferedMap{std::move(map), cluster, {}}).first;
  else if (found->second.map.nodes != map.nodes || found->second.cluster != cluster) {
    return fmt::format("another map of version {} was offered by {}", raw(version), found->second.by.begin()->text);
  }
  found->second.by.insert(by);
  if (maps_.size() > maps_max) maps_.erase(maps_.begin());
  return {};
}

const OfferedMap* Offers::find(MapVersion version) const {
  const auto found = maps_.find(version);
  return found == maps_.end() ? nullptr : &found->second;
}

std::string Offers::stats() const {
  std::string out;
  for (const auto& [version, offered] : maps_) {
    std::vector<std::string> names;
    for (const auto& key : offered.by) names.push_back(key.text);
    fmt::format_to(std::back_inserter(out), "STAT {0}:nodes {1}\r\nSTAT {0}:offered_by {2}\r\n", raw(version),
                   offered.map.nodes.size(), fmt::join(names, ","));
    if (!offered.cluster.empty()) {
      fmt::format_to(std::back_inserter(out), "STAT {}:cluster {}\r\n", raw(version), offered.cluster);
    }
  }
  return out.append("END\r\n");
}

NodeMap adopted_map(const NodeMap& offered, MapVersion highest) {
  auto map = with_known_reigns(offered);
  map.version = next(std::max(highest, offered.version));
  return map;
}

OfferReader::OfferReader(MapVersion version, NodeKey by) : by_(std::move(by)) { map_.version = version; }

OfferReader::Step OfferReader::take(std::string_view line) {
  if (line == "END") return Step::whole;
  return map_.nodes.size() < limits::map_nodes_max && take_node(line) ? Step::more : Step::broken;
}

bool OfferReader::take_node(std::string_view line) {
  auto node = parse_node_line(line);
  if (!node || !take_reign_words(line, *node, map_)) return false;
  map_.next_thread_type = std::max(map_.next_thread_type, next(node->thread_type));
  auto key = node->key();
  return map_.nodes.emplace(std::move(key), std::move(*node)).second;
}

}  // namespace flare
