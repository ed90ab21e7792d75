#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

/// What flarei knows beyond the original's map: one XML comment line after the end of flare.xml (docs/design.md 4). An
/// original reads such a file and drops the line at its first change. Pure.
namespace flare {

struct IndexFacts {
  std::string cluster;  // id; empty: not known
  MapVersion map_version{0};

  bool operator==(const IndexFacts&) const = default;
};

/// `<!-- flare cluster=<id> map-version=<n> -->` and a line end; words of later versions may follow.
std::string facts_line(const IndexFacts& facts);
/// Of the last such line behind the archive; nullopt: there is none, or it cannot be read.
std::optional<IndexFacts> facts_of_xml(std::string_view xml);

}  // namespace flare
