#pragma once

#include <string>
#include <vector>

#include "flarei/map_store.h"

namespace flare {

/// flare.xml in a folder (docs/spec/cluster.md 4.6), replaced whole and durably; the maps before it stay as flare.xml.1
/// (the newest) to .3 (cluster.md 9.13). The folder is locked by its owner: nobody else writes there.
class MapFile final : public MapStore {
 public:
  explicit MapFile(std::string folder);

  struct Loaded {
    NodeMap map;
    std::vector<std::string> remarks;  // for the log: no file, a file taken over, doubts about the map
  };
  /// A missing file is an empty map; an unreadable, empty or broken one is an error.
  Result<Loaded, StoreError> load() const;

  Result<void, StoreError> save(const NodeMap& map) override;

  const std::string& path() const { return path_; }

 private:
  std::string folder_;
  std::string path_;
};

}  // namespace flare
