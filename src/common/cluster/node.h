#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/ids.h"

/// A node of the cluster as the map shows it (docs/spec/cluster.md 1.1). Pure.
namespace flare {

enum class Role : std::uint8_t { master = 0, slave = 1, proxy = 2 };
enum class State : std::uint8_t { active = 0, prepare = 1, down = 2, ready = 3 };

std::string_view to_text(Role role);
std::string_view to_text(State state);
std::optional<Role> role_from_text(std::string_view word);
std::optional<State> state_from_text(std::string_view word);

/// `<server name>:<port>`, verbatim; maps are ordered by its bytes, so `h:10` sorts before `h:9`.
struct NodeKey {
  std::string text;

  NodeKey() = default;
  explicit NodeKey(std::string key) : text(std::move(key)) {}
  NodeKey(std::string_view server_name, int port) : text(std::string(server_name) + ':' + std::to_string(port)) {}

  auto operator<=>(const NodeKey&) const = default;
};

struct Node {
  std::string server_name;
  int port = 0;
  Role role = Role::proxy;
  State state = State::active;
  PartitionId partition = no_partition;
  int balance = 0;
  ThreadType thread_type{0};

  NodeKey key() const { return NodeKey{server_name, port}; }
  bool operator==(const Node&) const = default;
};

}  // namespace flare
