#include "common/cluster/node.h"

namespace flare {

std::string_view to_text(Role role) {
  switch (role) {
    case Role::master:
      return "master";
    case Role::slave:
      return "slave";
    case Role::proxy:
      return "proxy";
  }
  return "unknown";
}

std::string_view to_text(State state) {
  switch (state) {
    case State::active:
      return "active";
    case State::prepare:
      return "prepare";
    case State::down:
      return "down";
    case State::ready:
      return "ready";
  }
  return "unknown";
}

std::optional<Role> role_from_text(std::string_view word) {
  for (const auto role : {Role::master, Role::slave, Role::proxy}) {
    if (word == to_text(role)) return role;
  }
  return std::nullopt;
}

std::optional<State> state_from_text(std::string_view word) {
  for (const auto state : {State::active, State::prepare, State::down, State::ready}) {
    if (word == to_text(state)) return state;
  }
  return std::nullopt;
}

}  // namespace flare
