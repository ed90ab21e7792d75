#pragma once

#include <string>
#include <utility>
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
    bool found = false;                // there was a file
    std::string cluster;               // id of the comment line (docs/design.md 4); empty: none
    std::vector<std::string> remarks;  // for the log: no file, a file taken over, doubts about the map
  };
  /// A missing file is an empty map; an unreadable, empty or broken one is an error.
  Result<Loaded, StoreError> load() const;

  Result<void, StoreError> save(const NodeMap& map) override;
  /// Stored with each map from now on.
  void set_cluster(std::string cluster) { cluster_ = std::move(cluster); }

  const std::string& path() const { return path_; }

 private:
  std::string folder_;
  std::string path_;
  std::string cluster_;
};

}  // namespace flare
