#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/cluster/node_map.h"

/// The maps that nodes offer to an index that has lost its own (docs/operations.md, a lost flare.xml). Pure.
namespace flare {

struct OfferedMap {
  NodeMap map;
  std::string cluster;  // of another cluster id than this index has, but of its tenant; empty: of its own
  std::set<NodeKey> by;
};

/// What was offered until an operator chooses. Bounded: of too many versions the lowest is dropped.
class Offers {
 public:
  static constexpr std::size_t maps_max = 8;

  /// The error is a sentence: why it is not kept.
  Result<void, std::string> take(NodeMap map, const NodeKey& by, const std::string& cluster = {});
  /// Null: there is none of that version.
  const OfferedMap* find(MapVersion version) const;
  /// Of all that were ever offered: a map below it would be refused by a node.
  MapVersion highest() const { return highest_; }
  /// The answer to `stats offers`.
  std::string stats() const;
  void clear() { maps_.clear(); }

 private:
  std::map<MapVersion, OfferedMap> maps_;
  MapVersion highest_{0};
};

/// The map as it comes into force, above every version that a node holds.
NodeMap adopted_map(const NodeMap& offered, MapVersion highest);

/// Reads the lines behind `node offer <version> <S> <P>`: NODE lines and END.
class OfferReader {
 public:
  OfferReader(MapVersion version, NodeKey by);

  enum class Step { more, whole, broken };
  Step take(std::string_view line);
  const NodeKey& by() const { return by_; }
  /// After `whole`.
  NodeMap take_map() { return std::move(map_); }

 private:
  bool take_node(std::string_view line);

  NodeKey by_;
  NodeMap map_;
};

}  // namespace flare
