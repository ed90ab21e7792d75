#include "flarei/index_facts.h"

#include <fmt/format.h>

#include <charconv>

#include "common/base/cluster_identity.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

constexpr std::string_view opening = "<!-- flare ";
constexpr std::string_view closing = " -->";
constexpr std::string_view end_of_archive = "</boost_serialization>";

bool take_version(std::string_view text, IndexFacts& facts) {
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  facts.map_version = MapVersion{version};
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string facts_line(const IndexFacts& facts) {
  return fmt::format("{}cluster={} map-version={}{}\n", opening, facts.cluster, raw(facts.map_version), closing);
}

std::optional<IndexFacts> facts_of_xml(std::string_view xml) {
  constexpr std::string_view cluster = "cluster=";
  constexpr std::string_view version = "map-version=";
  const auto end = xml.rfind(end_of_archive);
  if (end == std::string_view::npos) return std::nullopt;
  const auto begin = xml.find(opening, end);
  if (begin == std::string_view::npos) return std::nullopt;
  const auto rest = xml.substr(begin + opening.size());
  const auto close = rest.find(closing);
  if (close == std::string_view::npos) return std::nullopt;
  IndexFacts facts;
  Words words{rest.substr(0, close)};
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (word.starts_with(cluster)) facts.cluster = word.substr(cluster.size());
    if (word.starts_with(version) && !take_version(word.substr(version.size()), facts)) return std::nullopt;
  }
  if (!facts.cluster.empty() && !is_cluster_id(facts.cluster)) return std::nullopt;
  return facts;
}

}  // namespace flare
