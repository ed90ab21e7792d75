#pragma once

#include <string>

#include "common/base/result.h"
#include "common/cluster/node_map.h"

namespace flare {

/// A sentence that names the file and what the system said.
struct StoreError {
  std::string text;
};

/// Where the map outlives flarei. Used by the I/O thread only.
class MapStore {
 public:
  virtual ~MapStore() = default;
  /// When it returns well the map survives a power cut; otherwise the old one is still stored.
  virtual Result<void, StoreError> save(const NodeMap& map) = 0;
};

}  // namespace flare
