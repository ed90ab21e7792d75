#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/base/ids.h"
#include "common/cluster/node_map.h"

/// What flarei knows beyond the original's map: one XML comment line after the end of flare.xml (docs/design.md 4). An
/// original reads such a file and drops the line at its first change. Pure.
namespace flare {

struct IndexFacts {
  std::string cluster;  // id; empty: not known
  MapVersion map_version{0};
  std::map<PartitionId, PartitionReign> reigns;  // of that version

  bool operator==(const IndexFacts&) const = default;
};

/// `<!-- flare cluster=<id> map-version=<n> reign=<partition>:<epoch>:<thread_type>,... -->` and a line end; words of
/// later versions may follow. In-sync nodes stand by their thread_type, since a name may hold what no comment may.
std::string facts_line(const std::string& cluster, const NodeMap& map);
/// Of the last such line behind the archive of `map`; nullopt: there is none, or it cannot be read. One of another
/// version has no reigns: an original has changed the map since.
std::optional<IndexFacts> facts_of_xml(std::string_view xml, const NodeMap& map);

}  // namespace flare
