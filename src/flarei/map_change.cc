#include "flarei/map_change.h"

#include <fmt/format.h>

namespace flare {

namespace {

std::string text_of(const Node* node) {
  if (!node) return "none";
  return fmt::format("{}/{}/{}/{}", to_text(node->role), to_text(node->state), raw(node->partition), node->balance);
}

const Node* find(const NodeMap& map, const NodeKey& key) {
  const auto found = map.nodes.find(key);
  return found == map.nodes.end() ? nullptr : &found->second;
}

bool was_promoted(const Node& old, const Node& now) {
  return old.role == Role::slave && now.role == Role::master && now.state == State::active;
}

bool was_activated(const Node& old, const Node& now) {
  return old.role == Role::master && old.state == State::ready && now.role == Role::master &&
         now.state == State::active;
}

}  // namespace

std::vector<std::vector<NodeKey>> prior_groups(const NodeMap& before, const NodeMap& after) {
  std::vector<NodeKey> masters;
  std::vector<NodeKey> slaves;
  for (const auto& [key, now] : after.nodes) {
    const auto* old = find(before, key);
    if (!old) continue;
    if (was_promoted(*old, now) || was_activated(*old, now)) masters.push_back(key);
    if (!was_activated(*old, now)) continue;
    for (const auto& [slave_key, slave] : after.nodes) {
      if (slave.role == Role::slave && slave.partition == now.partition) slaves.push_back(slave_key);
    }
  }
  std::vector<std::vector<NodeKey>> groups;
  if (!masters.empty()) groups.push_back(std::move(masters));
  if (!slaves.empty()) groups.push_back(std::move(slaves));
  return groups;
}

std::vector<std::string> change_lines(const NodeMap& before, const NodeMap& after, std::string_view cause) {
  std::vector<std::string> lines;
  const auto add = [&](const NodeKey& key, const Node* old, const Node* now) {
    lines.push_back(fmt::format("node {} changed from {} to {} by {}, map version {}", key.text, text_of(old),
                                text_of(now), cause, raw(after.version)));
  };
  for (const auto& [key, old] : before.nodes) {
    const auto* now = find(after, key);
    if (!now || *now != old) add(key, &old, now);
  }
  for (const auto& [key, now] : after.nodes) {
    if (!before.nodes.contains(key)) add(key, nullptr, &now);
  }
  return lines;
}

}  // namespace flare
