#pragma once

#include <string>
#include <vector>

#include "common/cluster/node_map.h"
#include "flarei/refusal.h"

/// Small maps for tables: `m` is a node, named by its port on the server "n".
namespace flare::test {

struct Entry {
  int port;
  Role role;
  State state;
  int partition = -1;
  int balance = 0;
  bool operator==(const Entry&) const = default;
};

inline NodeKey key(int port) { return NodeKey{"n", port}; }

inline NodeMap map_of(const std::vector<Entry>& entries) {
  NodeMap map;
  map.version = MapVersion{10};
  for (const auto& entry : entries) {
    Node node{"n",
              entry.port,
              entry.role,
              entry.state,
              PartitionId{entry.partition},
              entry.balance,
              ThreadType{15 + entry.port}};
    map.nodes.emplace(node.key(), node);
  }
  map.next_thread_type = ThreadType{50};
  return map;
}

inline std::vector<Entry> entries_of(const NodeMap& map) {
  std::vector<Entry> entries;
  for (const auto& [node_key, node] : map.nodes) {
    entries.push_back({node.port, node.role, node.state, raw(node.partition), node.balance});
  }
  return entries;
}

inline void PrintTo(const Entry& entry, std::ostream* out) {
  *out << entry.port << ' ' << to_text(entry.role) << '/' << to_text(entry.state) << '/' << entry.partition << '/'
       << entry.balance;
}

/// What a decision comes to, for comparing with a table.
struct Outcome {
  std::optional<Refusal> refusal;
  std::vector<Entry> entries;  // empty when refused
};

constexpr auto master = Role::master;
constexpr auto slave = Role::slave;
constexpr auto proxy = Role::proxy;
constexpr auto active = State::active;
constexpr auto prepare = State::prepare;
constexpr auto down = State::down;
constexpr auto ready = State::ready;

}  // namespace flare::test
