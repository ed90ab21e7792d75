#pragma once

#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/cluster/node_map.h"

/// flare.xml in the original's form (docs/spec/cluster.md 4.6), so that either daemon can take over from the other.
/// Pure.
namespace flare {

std::string map_to_xml(const NodeMap& map);

/// The error is a sentence. What stands after the end of the archive, such as a comment line, is ignored.
struct XmlError {
  std::string text;
};
Result<NodeMap, XmlError> map_from_xml(std::string_view xml);

}  // namespace flare
