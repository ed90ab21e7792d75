#pragma once

#include <string>

#include "support/original_map.h"
#include "support/text_client.h"

/// What the files of OriginalFlared share.
namespace flare::test {

/// Of a write: a line of data follows.
inline bool has_payload(const std::string& command) {
  return command == "set" || command == "add" || command == "replace" || command == "append" || command == "prepend" ||
         command == "cas";
}

inline Address address_of(const OriginalNode& node) { return {node.name, static_cast<std::uint16_t>(node.port)}; }

}  // namespace flare::test
